"""A judgement has one instant, `queued_at`: the other was read by nothing."""

from pathlib import Path

from django.db import migrations

from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0006_alarm_told_again")]

    operations = [
        install("alerts_queue", 2, folder=SQL, undo=(SQL / "alerts_queue.v1.sql").read_text()),
        migrations.RemoveField(model_name="judgement", name="available_at"),
    ]
