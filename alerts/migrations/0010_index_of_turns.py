"""…and its index. There is a row for each observation: while it is built, they are written."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("alerts", "0009_judged_in_turn")]

    operations = [
        AddIndexConcurrently(
            model_name="judgement",
            index=models.Index(
                fields=["organization", "available_at"],
                condition=models.Q(judged_at=None),
                name="alert_judgements_turn",
            ),
        ),
        RemoveIndexConcurrently(model_name="judgement", name="alert_judgements_waiting"),
    ]
