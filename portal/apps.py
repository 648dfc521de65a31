"""The portal app: people, access and audit."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    """Grants on tables that are not a tenant's; rights by the clock, told where the relay leads."""

    name = "portal"

    def ready(self) -> None:
        from portal.global_tables import grant_privileges
        from portal.turning_rights import tell_turned_rights
        from realtime.companions import register

        # Not sent by an app but by a migration run, and for third-party tables too.
        post_migrate.connect(grant_privileges, sender=self)
        register("turning rights", tell_turned_rights)
