"""Patients do not move a visit that they do not book themselves."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0007_taken_index"),
    ]

    operations = [
        install(
            "appointments_guard",
            2,
            folder=SQL,
            undo=(SQL / "appointments_time.v1.sql").read_text(),
        ),
    ]
