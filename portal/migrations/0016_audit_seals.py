"""The hash chain of the audit log. What was written before it is put down by the next migration."""

import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import portal.rls
from portal.functions import install

# Every row is deleted within seconds: cleared away early, so that the sealer's first look, at the
# lowest ids, does not step over what is gone.
VACUUM = """
ALTER TABLE audit_unsealed SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
)
"""
AWAIT = """
CREATE TRIGGER audit_awaits_seal AFTER INSERT ON audit_logs
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION portal_await_seal()
"""


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0015_narrowed_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.UUIDField(unique=True)),
                ("organization_id", models.UUIDField()),
                ("form", models.PositiveSmallIntegerField()),
                ("sealed_at", models.DateTimeField()),
                ("digest", models.BinaryField()),
            ],
            options={
                "db_table": "audit_seals",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="UnsealedEntry",
            fields=[
                ("entry_id", models.UUIDField(primary_key=True, serialize=False)),
                ("organization_id", models.UUIDField()),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "audit_unsealed",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'Cannot empty the % table', TG_TABLE_NAME;",
                    hash="3e9d2b0124a06fd353ad82f1f73e4f5c47c1d2cb",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_emptied_8db1d",
                    table="audit_logs",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=portal.rls.Policy(
                delete=None,
                insert=None,
                name="audit_seals",
                privileges=("SELECT",),
                read="(SELECT portal_is_system())",
                tenant=False,
                write="false",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="seals_are_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="38f94c9154e210400012b77253655253760fc46c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seals_are_append_only_35b35",
                    table="audit_seals",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'Cannot empty the % table', TG_TABLE_NAME;",
                    hash="1b9d1263cb661667947588c1483229df6daa4d46",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_emptied_a2da6",
                    table="audit_seals",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="unsealedentry",
            constraint=portal.rls.Policy(
                delete=None,
                insert=None,
                name="audit_unsealed",
                privileges=("SELECT",),
                read="(SELECT portal_is_system())",
                tenant=False,
                write="false",
            ),
        ),
        migrations.RunSQL([VACUUM], migrations.RunSQL.noop),
        install("portal_seal_audit", 1),
        migrations.RunSQL([AWAIT], ["DROP TRIGGER audit_awaits_seal ON audit_logs"]),
    ]
