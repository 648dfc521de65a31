"""What the log kept of private answers is told to nobody else any more either."""

from pathlib import Path

from django.db import migrations

from realtime.sql_files import of_kept_events

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    # The inbox and the log, each in a transaction of its own.
    atomic = False
    dependencies = [
        ("care", "0008_private_answers"),
    ]

    operations = of_kept_events(SQL / "care_narrow_log.v1.sql")
