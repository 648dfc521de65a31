"""An alarm that lasts or grows is told again."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"
FUNCTIONS = (
    "alerts_audit(interval, interval)",
    "alerts_alarms_to_tell()",
    "alerts_alarm_told(uuid)",
)
# Installing grants them to the application; they are the engine's alone.
GRANTS = "".join(
    f"REVOKE ALL ON FUNCTION {function} FROM {settings.APP_ROLE};"
    f"GRANT EXECUTE ON FUNCTION {function} TO {settings.ENGINE_ROLE};"
    for function in FUNCTIONS
)


class Migration(migrations.Migration):
    dependencies = [("alerts", "0005_counted_by")]

    operations = [
        migrations.AddField(
            model_name="auditoralarm",
            name="told_number",
            field=models.PositiveIntegerField(null=True),
        ),
        install("alerts_audit", 2, folder=SQL, undo=(SQL / "alerts_audit.v1.sql").read_text()),
        migrations.RunSQL([GRANTS], migrations.RunSQL.noop),
    ]
