"""Who is on a visit is told to the care team and not to whoever was called to the patient."""

import pgtrigger.migrations
from django.db import migrations

import realtime.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0009_video_link"),
        ("portal", "0014_topic_of_the_team"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="claim",
            name="publish",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="claim",
            trigger=realtime.triggers.InstalledTrigger(
                name="publish",
                sql=realtime.triggers.TriggerSql(
                    hash="b491db51624f81e3d37c57cef17eafca73c48ae2",
                    install="SELECT realtime_install_publish('pgtrigger_publish_25368', 'appointment_claims', 'id', ARRAY['team:{patient_id}']::text[], ARRAY['id', 'patient_id']::text[], 'organization_id', true)",
                    pgid="pgtrigger_publish_25368",
                    table="appointment_claims",
                ),
            ),
        ),
    ]
