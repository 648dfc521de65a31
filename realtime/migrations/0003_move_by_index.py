"""The relay's look no longer reads the dead pages of the inbox."""

from django.db import migrations

from realtime.sql_files import installed


class Migration(migrations.Migration):
    dependencies = [("realtime", "0002_ended_sessions")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "ALTER FUNCTION realtime_move(bigint, integer, boolean) RESET enable_seqscan",
        ),
        installed("realtime_move_by_index"),
    ]
