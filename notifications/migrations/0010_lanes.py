"""Each way out of the house has a queue of its own."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_alarm_words")]
    operations = [
        install(
            "notifications_deliveries",
            3,
            undo=(SQL / "notifications_deliveries.v2.sql").read_text(),
            folder=SQL,
        ),
    ]
