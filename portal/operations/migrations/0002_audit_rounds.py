"""The daily verification of the audit log, and how the engine learns what it found."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models

import portal.rls
from portal.functions import install

SQL = Path(__file__).parent.parent / "sql"
# Installing grants it to the application; it is the engine's alone.
GRANT = (
    f"REVOKE ALL ON FUNCTION operations_audit_standing() FROM {settings.APP_ROLE};"
    f"GRANT EXECUTE ON FUNCTION operations_audit_standing() TO {settings.ENGINE_ROLE};"
)


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0001_samples"),
        ("portal", "0016_audit_seals"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("head", models.BigIntegerField()),
                ("upto", models.BigIntegerField(default=0)),
                ("deviations", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "db_table": "operation_audit_rounds",
                "ordering": ["-began_at"],
                "constraints": [
                    portal.rls.Policy(
                        delete=None,
                        insert=None,
                        name="operation_audit_rounds",
                        privileges=("SELECT", "INSERT", "UPDATE"),
                        read="(SELECT portal_is_admin())",
                        tenant=False,
                        write="(SELECT portal_is_system())",
                    )
                ],
            },
        ),
        install("operations_audit_standing", 1, folder=SQL),
        migrations.RunSQL([GRANT], migrations.RunSQL.noop),
    ]
