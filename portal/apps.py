"""The portal app: people, access and audit."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    """Grants the application role what it needs on tables that are not a tenant's."""

    name = "portal"

    def ready(self) -> None:
        from portal.global_tables import grant_privileges

        # Not sent by an app but by a migration run, and for third-party tables too.
        post_migrate.connect(grant_privileges, sender=self)
