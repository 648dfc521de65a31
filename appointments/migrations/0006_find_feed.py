"""Whose calendar a private address is."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0005_passed"),
    ]

    operations = [
        install("appointments_find_feed", 1, folder=SQL),
    ]
