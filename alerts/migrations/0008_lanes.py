"""Judging has a queue of its own; alarms that nobody was told of are counted."""

from pathlib import Path

from django.conf import settings
from django.db import migrations

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
    dependencies = [("alerts", "0007_alerts_by_time")]

    operations = [
        install("alerts_queue", 2, folder=SQL, undo=(SQL / "alerts_queue.v1.sql").read_text()),
        install(
            "alerts_audit",
            3,
            folder=SQL,
            undo="DROP FUNCTION alerts_alarms_untold(interval);\n"
            + (SQL / "alerts_audit.v2.sql").read_text(),
        ),
        migrations.RunSQL([GRANTS], migrations.RunSQL.noop),
    ]
