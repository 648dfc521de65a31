"""Where a patient's last waiting row stands. While the index is built, observations are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("alerts", "0012_alarms_counted")]

    operations = [
        AddIndexConcurrently(
            model_name="judgement",
            index=models.Index(
                fields=["organization", "patient", "source_table", "available_at"],
                condition=models.Q(judged_at=None),
                name="alert_judgements_patient",
            ),
        ),
    ]
