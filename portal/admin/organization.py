"""The organization itself: its name, its place, its telephones."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portal.access import Reader, narrow
from portal.admin.base import PortalAdmin
from portal.models import Organization


@admin.register(Organization)
class OrganizationAdmin(PortalAdmin):
    """One's own and no other."""

    list_display = ["name", "time_zone", "locale", "phone", "emergency_phone"]
    fields = ["name", "slug", "time_zone", "locale", "phone", "emergency_phone"]
    readonly_fields = ["slug"]

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        return narrow(rows, pk=reader.organization_id)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
