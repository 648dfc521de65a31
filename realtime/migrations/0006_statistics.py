"""PostgreSQL looks at what the log holds when it has doubled, not every few seconds."""

from django.db import migrations

from realtime.sql_files import installed


class Migration(migrations.Migration):
    dependencies = [("realtime", "0005_topics_with_conditions")]

    operations = [installed("realtime_statistics")]
