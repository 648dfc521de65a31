"""Tables that belong to no organization, each with its reason, and what the application may do.

Every other table carries `organization_id` and declares a `portal.rls.Policy`; a test compares
this list with the catalogue, so that a new table is either of a tenant or argued for here.
"""

from typing import Any, NamedTuple

from django.apps import AppConfig
from django.conf import settings
from django.db import connections


class GlobalTable(NamedTuple):
    """What the application role may do with a table, and why no organization owns its rows."""

    privileges: str
    reason: str


_ALL = "SELECT, INSERT, UPDATE, DELETE"
_JOBS = GlobalTable(_ALL, "jobs carry identifiers only and are read by one worker for all")

GLOBAL_TABLES = {
    "sessions": GlobalTable(_ALL, "read before anybody is known; of the keys only digests"),
    "allowances": GlobalTable(_ALL, "counts what strangers ask, before anybody is known"),
    "users_groups": GlobalTable("SELECT", "Django's; unused, rights follow from the membership"),
    "users_user_permissions": GlobalTable("SELECT", "Django's; unused, as above"),
    "auth_group": GlobalTable("SELECT", "Django's; unused, as above"),
    "auth_group_permissions": GlobalTable("SELECT", "Django's; unused, as above"),
    "auth_permission": GlobalTable("SELECT", "names of Django's permissions"),
    "django_content_type": GlobalTable("SELECT, INSERT", "names of models"),
    "django_migrations": GlobalTable("SELECT", "which migrations ran; readiness reads it"),
    "django_admin_log": GlobalTable("", "Django's own admin log is not used: ours is audit_logs"),
    "axes_accessattempt": GlobalTable(_ALL, "lockout happens before anybody is known"),
    "axes_accessattemptexpiration": GlobalTable(_ALL, "as above"),
    "axes_accessfailurelog": GlobalTable(_ALL, "as above"),
    "axes_accesslog": GlobalTable(_ALL, "as above"),
    # Read by administrators, written by the system: policies say so (portal.operations.models).
    "operation_hub_samples": GlobalTable("SELECT, INSERT, DELETE", "how each process delivers"),
    "operation_stream_samples": GlobalTable("SELECT, INSERT, DELETE", "how the one relay works"),
    "operation_findings": GlobalTable(_ALL, "what is wrong with delivery, for all alike"),
    "operation_audit_rounds": GlobalTable("SELECT, INSERT, UPDATE", "there is one audit chain"),
    "procrastinate_jobs": _JOBS,
    "procrastinate_events": _JOBS,
    "procrastinate_periodic_defers": _JOBS,
    "procrastinate_workers": _JOBS,
}


def grant_privileges(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """After a migration run: give the application role what the list says, and no more."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        present = {name for (name,) in cursor.fetchall()}
        for table, (privileges, _reason) in GLOBAL_TABLES.items():
            if table not in present:
                continue
            cursor.execute(f'REVOKE ALL ON "{table}" FROM {settings.APP_ROLE}')
            if privileges:
                cursor.execute(f'GRANT {privileges} ON "{table}" TO {settings.APP_ROLE}')
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {settings.APP_ROLE}")
