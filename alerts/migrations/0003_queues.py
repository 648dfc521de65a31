"""Scores and questionnaires are judged too."""

from django.db import migrations

INSTALL = """
SELECT alerts_install_queue('early_warning_scores');
SELECT alerts_install_queue('questionnaire_responses');
"""
UNINSTALL = """
SELECT alerts_uninstall_queue('early_warning_scores');
SELECT alerts_uninstall_queue('questionnaire_responses');
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0002_rota"), ("care", "0004_assessments")]

    operations = [migrations.RunSQL([INSTALL], [UNINSTALL])]
