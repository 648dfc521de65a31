"""Private answers are told to whoever may read them, and so to no caregiver."""

import pgtrigger.migrations
from django.db import migrations

import realtime.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("care", "0007_received_message"),
        ("realtime", "0005_topics_with_conditions"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="questionnaireresponse",
            name="publish",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="questionnaireresponse",
            trigger=realtime.triggers.InstalledTrigger(
                name="publish",
                sql=realtime.triggers.TriggerSql(
                    hash="ae47a4f2c072c2a2e37b4d479233132826131b99",
                    install="SELECT realtime_install_publish('pgtrigger_publish_421e5', 'questionnaire_responses', 'id', ARRAY['patient:{patient_id} unless {is_private}', 'care:{patient_id} if {is_private}', 'user:{authored_by_id} if {is_private}']::text[], ARRAY['id', 'patient_id']::text[], 'organization_id', true)",
                    pgid="pgtrigger_publish_421e5",
                    table="questionnaire_responses",
                ),
            ),
        ),
    ]
