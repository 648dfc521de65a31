"""A number of an alarm that grows is written once a minute."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"
FUNCTIONS = (
    "alerts_audit(interval, interval)",
    "alerts_alarms_to_tell()",
    "alerts_alarm_told(uuid)",
    "alerts_alarms_untold(interval)",
)
# Installing grants them to the application; they are the engine's alone.
GRANTS = "".join(
    f"REVOKE ALL ON FUNCTION {function} FROM {settings.APP_ROLE};"
    f"GRANT EXECUTE ON FUNCTION {function} TO {settings.ENGINE_ROLE};"
    for function in FUNCTIONS
)


class Migration(migrations.Migration):
    dependencies = [("alerts", "0011_alarms_for_staff")]

    operations = [
        migrations.AddField(
            model_name="auditoralarm",
            name="counted_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        install("alerts_audit", 4, folder=SQL, undo=(SQL / "alerts_audit.v3.sql").read_text()),
        migrations.RunSQL([GRANTS], migrations.RunSQL.noop),
    ]
