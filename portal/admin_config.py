"""Puts our own administration site in the place of Django's default one."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Django's admin, with the doors of `portal.admin_site`."""

    default_site = "portal.admin_site.PortalAdminSite"
