"""What was ended to heal the engine is noted."""

from django.db import migrations

from realtime.sql_files import installed, script

# The first version also makes the relay's row, which stays.
BEFORE = script("realtime_lead", 1).partition("INSERT INTO realtime_relay")[0]
FUNCTIONS = (
    "realtime_try_to_lead(interval), realtime_log_epoch(), realtime_take_ended(),"
    " realtime_end_stale_sessions(double precision, interval),"
    " realtime_note_ended(integer, timestamptz, text, double precision)"
)


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_initial")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            f"DROP TABLE realtime_ended_sessions; DROP FUNCTION {FUNCTIONS}; {BEFORE}",
        ),
        installed("realtime_ended_sessions"),
        installed("realtime_lead", 2),
    ]
