"""A number of an alarm that grows is written once a minute."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"
# Installing grants it to the application; it is the engine's alone.
GRANT = f"REVOKE ALL ON FUNCTION alerts_audit(interval, interval) FROM {settings.APP_ROLE}"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0011_alarms_for_staff")]

    operations = [
        migrations.AddField(
            model_name="auditoralarm",
            name="counted_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        install("alerts_audit", 4, folder=SQL, undo=(SQL / "alerts_audit.v3.sql").read_text()),
        migrations.RunSQL([GRANT], migrations.RunSQL.noop),
    ]
