"""The audit log, for reading."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from portal.access import Reader
from portal.admin.base import ReadOnlyAdmin
from portal.models import AuditEntry, Patient, ServiceAccount, User


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
        ("service_account", "Service accounts"),
        ("observation", "Observations of programs"),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return self.KINDS

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = self.value()
        return queryset.filter(action__startswith=f"{kind}.") if kind else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, to whose record. Nobody changes it: the database refuses."""

    list_display = ["moment", "action", "actor", "patient", "subject_type", "words"]
    list_filter = ["at", ActionFilter]
    search_fields = ["action", "=actor_id", "=patient_id", "=subject_id"]
    search_help_text = "An action such as patient.read, or the id of a person or a record"
    fields = [
        "moment",
        "action",
        "actor",
        "patient",
        "subject_type",
        "subject_id",
        "actor_id",
        "patient_id",
        "words",
    ]
    readonly_fields = ["moment", "actor", "patient", "words"]
    date_hierarchy = "at"

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        # Not foreign keys (an entry outlives what it is about), so not select_related.
        return (
            super()
            .narrowed(rows, reader)
            .annotate(
                actor_name=Coalesce(
                    Subquery(User.objects.filter(pk=OuterRef("actor_id")).values("name")),
                    Subquery(ServiceAccount.objects.filter(pk=OuterRef("actor_id")).values("name")),
                ),
                patient_name=Subquery(
                    Patient.objects.filter(pk=OuterRef("patient_id")).values("name")
                ),
            )
        )

    @admin.display(description="At", ordering="at")
    def moment(self, entry: AuditEntry) -> str:
        # To the second: what came first is what a log is asked.
        return f"{timezone.localtime(entry.at):%-d %b %Y, %H:%M:%S}"

    @admin.display(description="By")
    def actor(self, entry: Any) -> str:
        if entry.actor_id is None:
            return "nobody signed in"
        # Who is gone from this organization has an id and no name here.
        return str(entry.actor_name or entry.actor_id)

    @admin.display(description="About")
    def patient(self, entry: Any) -> str:
        return str(entry.patient_name or entry.patient_id or "")

    @admin.display(description="Detail")
    def words(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {_said(value)}" for name, value in entry.detail.items())


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
