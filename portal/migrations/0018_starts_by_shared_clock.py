"""A place on a care team begins by the database's clock, as it ends."""

from django.db import migrations, models

import portal.clock


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0017_audit_backlog"),
    ]

    operations = [
        migrations.AlterField(
            model_name="careteammembership",
            name="starts_at",
            field=models.DateTimeField(default=portal.clock.now),
        ),
    ]
