"""The relay's look goes along the inbox once. Backwards it stays: it is called as before."""

from django.db import migrations

from realtime.sql_files import installed


class Migration(migrations.Migration):
    dependencies = [("realtime", "0004_polls_and_lead")]

    operations = [installed("realtime_move_in_one_walk")]
