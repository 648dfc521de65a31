"""Where imported resources went. The record itself is clinical: administrators do not see it."""

from django.contrib import admin

from care.models import FhirIdentity
from portal.admin.base import ReadOnlyAdmin


@admin.register(FhirIdentity)
class FhirIdentityAdmin(ReadOnlyAdmin):
    """Which row a resource of another system became, and when it last changed it."""

    list_display = ["resource_type", "system", "value", "table", "imported_at"]
    list_filter = ["resource_type", "table", "imported_at"]
    search_fields = ["=value", "=row_id"]
    search_help_text = "An id or identifier of the other system, or the id of a row"
    fields = ["resource_type", "system", "value", "table", "row_id", "imported_at"]
    ordering = ["-imported_at", "resource_type"]
