"""Staff hear of alerts that fail, and read of it: they look at their patients themselves then."""

import pgtrigger.migrations
from django.db import migrations

import portal.rls
import realtime.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0010_index_of_turns"),
        ("portal", "0017_audit_backlog"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditoralarm",
            name="publish",
        ),
        migrations.RemoveConstraint(
            model_name="auditoralarm",
            name="auditor_alarms",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditoralarm",
            trigger=realtime.triggers.InstalledTrigger(
                name="publish",
                sql=realtime.triggers.TriggerSql(
                    hash="d5df602aa5bbe91b38cc35bd099ba14d467272de",
                    install="SELECT realtime_install_publish('pgtrigger_publish_75ec3', 'auditor_alarms', 'id', ARRAY['staff:{organization_id}']::text[], ARRAY['id', 'kind']::text[], 'organization_id', true)",
                    pgid="pgtrigger_publish_75ec3",
                    table="auditor_alarms",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="auditoralarm",
            constraint=portal.rls.Policy(
                delete=None,
                insert=None,
                name="auditor_alarms",
                privileges=("SELECT",),
                read="(SELECT portal_is_staff())",
                tenant=True,
                write="false",
            ),
        ),
    ]
