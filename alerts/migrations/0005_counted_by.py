"""A reading knows by which version of a rule it was counted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0004_auditor")]

    operations = [
        migrations.AddField(
            model_name="alertreading",
            name="rule_version",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="alerts.ruleversion",
            ),
        ),
    ]
