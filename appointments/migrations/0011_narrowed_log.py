"""What the log kept of claims is told to nobody else any more either."""

from pathlib import Path

from django.db import migrations

from realtime.sql_files import of_kept_events

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    # The inbox and the log, each in a transaction of its own.
    atomic = False
    dependencies = [
        ("appointments", "0010_claims_of_the_team"),
    ]

    operations = of_kept_events(SQL / "appointments_narrow_log.v1.sql")
