"""Whose turn it is to be judged is a column; a long queue was sorted for each value."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0008_lanes")]

    operations = [
        install("alerts_queue", 3, folder=SQL, undo=(SQL / "alerts_queue.v2.sql").read_text()),
    ]
