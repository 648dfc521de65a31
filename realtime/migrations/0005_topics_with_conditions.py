"""A topic of a published row may depend on what the row says."""

from django.db import migrations

from realtime.sql_files import installed


class Migration(migrations.Migration):
    dependencies = [("realtime", "0004_polls_and_lead")]

    operations = [installed("realtime_topic", 2)]
