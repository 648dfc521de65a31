"""A patient's many no longer stand before another's one."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0013_index_of_patients")]

    operations = [
        install("alerts_queue", 4, folder=SQL, undo=(SQL / "alerts_queue.v3.sql").read_text()),
    ]
