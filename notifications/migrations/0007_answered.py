"""What failed before an answer is not sent again after it."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("notifications", "0006_deliveries")]
    operations = [
        install(
            "notifications_deliveries",
            2,
            undo=(SQL / "notifications_deliveries.v1.sql").read_text(),
            folder=SQL,
        ),
    ]
