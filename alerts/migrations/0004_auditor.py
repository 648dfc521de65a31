"""What the auditor asks; the engine alone may call it."""

from pathlib import Path

from django.conf import settings
from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"
FUNCTIONS = (
    "alerts_audit(interval, interval)",
    "alerts_alarms_to_tell()",
    "alerts_alarm_told(uuid)",
)
GRANTS = "".join(
    f"REVOKE ALL ON FUNCTION {function} FROM {settings.APP_ROLE};"
    f"GRANT EXECUTE ON FUNCTION {function} TO {settings.ENGINE_ROLE};"
    for function in FUNCTIONS
)


class Migration(migrations.Migration):
    dependencies = [("alerts", "0003_queues")]

    operations = [
        install(
            "alerts_audit",
            1,
            folder=SQL,
            undo="".join(f"DROP FUNCTION {function};" for function in FUNCTIONS),
        ),
        migrations.RunSQL([GRANTS], migrations.RunSQL.noop),
    ]
