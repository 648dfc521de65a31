"""Polls learn whether anything moves and whether rights changed; a new leader is left alone."""

from django.db import migrations

from realtime.sql_files import installed, script


class Migration(migrations.Migration):
    dependencies = [("realtime", "0003_move_by_index")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "DROP FUNCTION realtime_silence(), realtime_rights_changed(uuid, bigint, bigint);"
            + script("realtime_lead", 2),
        ),
        installed("realtime_polling"),
        installed("realtime_lead", 3),
    ]
