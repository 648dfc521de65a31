"""Invitations and calls are told to the care team and not to everybody who was called."""

import pgtrigger.migrations
from django.db import migrations

import realtime.triggers
from portal.functions import FOLDER, install


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0013_people_one_by_one"),
    ]

    operations = [
        install(
            "realtime_granted_topics",
            4,
            undo=(FOLDER / "realtime_granted_topics.v3.sql").read_text(),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="accessgrant",
            name="publish",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="invitation",
            name="publish",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accessgrant",
            trigger=realtime.triggers.InstalledTrigger(
                name="publish",
                sql=realtime.triggers.TriggerSql(
                    hash="825151ec7547820d90ab17ffe3d26dee14a83b00",
                    install="SELECT realtime_install_publish('pgtrigger_publish_006fd', 'access_grants', 'id', ARRAY['team:{patient_id}', 'user:{user_id}']::text[], ARRAY['id', 'patient_id', 'user_id']::text[], 'organization_id', true)",
                    pgid="pgtrigger_publish_006fd",
                    table="access_grants",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invitation",
            trigger=realtime.triggers.InstalledTrigger(
                name="publish",
                sql=realtime.triggers.TriggerSql(
                    hash="1f605c57e41a5c462547204b4e73373f834a0382",
                    install="SELECT realtime_install_publish('pgtrigger_publish_25d05', 'invitations', 'id', ARRAY['team:{patient_id}', 'admin:{organization_id}']::text[], ARRAY['id', 'patient_id']::text[], 'organization_id', true)",
                    pgid="pgtrigger_publish_25d05",
                    table="invitations",
                ),
            ),
        ),
    ]
