"""The relay's look leaves out what it has moved, however long somebody might still see it."""

from django.db import migrations

from realtime.sql_files import installed, script

BEFORE = (
    "DROP FUNCTION realtime_move(bigint, integer, boolean),"
    " realtime_move(bigint, integer, boolean, bigint), realtime_move_singly(bigint, integer),"
    " realtime_undecided(), realtime_deposed();"
    + script("realtime_move", 1)
    + script("realtime_move_by_index", 1)
)


class Migration(migrations.Migration):
    dependencies = [("realtime", "0006_statistics")]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, BEFORE),
        installed("realtime_move", 2),
    ]
