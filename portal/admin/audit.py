"""The audit log, for reading."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.admin.base import ReadOnlyAdmin
from portal.models import AuditEntry, Patient, User


class ActionFilter(admin.SimpleListFilter):
    """What kind of act: the word before the dot."""

    title = "kind of act"
    parameter_name = "kind"

    KINDS = (
        ("session", "Signing in and out"),
        ("password", "Passwords"),
        ("patient", "Reading records"),
        ("realtime", "Live pages"),
        ("invitation", "Invitations"),
        ("membership", "Memberships"),
        ("careteammembership", "Care teams"),
        ("caregiver", "Caregivers"),
        ("user", "Who may sign in"),
        ("message", "Messages"),
        ("conversation", "Conversations"),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return self.KINDS

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = self.value()
        return queryset.filter(action__startswith=f"{kind}.") if kind else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, to whose record. Nobody changes it: the database refuses."""

    list_display = ["at", "action", "actor", "patient", "subject_type", "words"]
    list_filter = ["at", ActionFilter]
    search_fields = ["action", "=actor_id", "=patient_id", "=subject_id"]
    search_help_text = "An action such as patient.read, or the id of a person or a record"
    fields = [
        "at",
        "action",
        "actor",
        "patient",
        "subject_type",
        "subject_id",
        "actor_id",
        "patient_id",
        "words",
    ]
    readonly_fields = ["actor", "patient", "words"]
    date_hierarchy = "at"

    @admin.display(description="By")
    def actor(self, entry: AuditEntry) -> str:
        return _name(User, entry.actor_id) if entry.actor_id else "the portal itself"

    @admin.display(description="About")
    def patient(self, entry: AuditEntry) -> str:
        return _name(Patient, entry.patient_id) if entry.patient_id else ""

    @admin.display(description="Detail")
    def words(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {value}" for name, value in entry.detail.items())


def _name(model: type[User] | type[Patient], row_id: UUID) -> str:
    """The name that an id stands for now; the id itself for who is gone from this organization."""
    name = model.objects.filter(pk=row_id).values_list("name", flat=True).first()
    return str(name or row_id)
