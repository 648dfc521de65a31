"""Who may see whom: who asks is found out once for a statement, whom they may know row by row.

Staff may know everybody of their organization, and the policy of `users` gathered all of those for
each statement, and for each of them found out again who asks: with 20,000 members a page took
seconds.
"""

from django.db import migrations, models

import portal.rls
from portal.functions import FOLDER, install

BEFORE = (FOLDER / "portal_visible_patients.v2.sql").read_text()
PROVING = "nullif(current_setting('portal.signing_in', true), '')"
OWN = f"id = (SELECT portal_user()) OR (SELECT portal_is_system()) OR email = {PROVING}"


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0012_turned_rights"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(fields=["organization", "role"], name="memberships_by_role"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("action", "operations.mended")),
                fields=["organization", "-at"],
                name="audit_logs_of_mending",
            ),
        ),
        install(
            "portal_visible_patients",
            3,
            undo=f"DROP FUNCTION portal_people_around();\n{BEFORE}",
        ),
        migrations.RemoveConstraint(model_name="patient", name="patients"),
        migrations.AddConstraint(
            model_name="patient",
            constraint=portal.rls.Policy(
                delete="false",
                insert=None,
                name="patients",
                privileges=("SELECT", "INSERT", "UPDATE"),
                read="(SELECT portal_is_admin()) OR id IN (SELECT portal_known_patients())",
                tenant=True,
                write="(SELECT portal_is_admin())",
            ),
        ),
        migrations.RemoveConstraint(model_name="user", name="users"),
        migrations.AddConstraint(
            model_name="user",
            constraint=portal.rls.Policy(
                delete="false",
                insert="(SELECT portal_is_system()) AND NOT is_superuser",
                name="users",
                privileges=(
                    "SELECT",
                    "INSERT",
                    "UPDATE (password, last_login, is_active, theme, last_organization_id)",
                ),
                read=(
                    f"{OWN} OR id::text = {PROVING}"
                    " OR EXISTS (SELECT FROM memberships WHERE memberships.user_id = users.id"
                    " AND memberships.organization_id = (SELECT portal_organization()))"
                    " OR id IN (SELECT portal_people_around())"
                ),
                tenant=False,
                write=(
                    f"id = (SELECT portal_user()) OR email = {PROVING} OR id::text = {PROVING}"
                    " OR (SELECT portal_is_system())"
                ),
            ),
        ),
        migrations.RunSQL(["DROP FUNCTION portal_visible_users()"], [BEFORE]),
    ]
