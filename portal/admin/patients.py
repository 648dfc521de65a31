"""The register: patients, who looks after them, who acts for them. Nothing clinical."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from portal import audit, clock
from portal.admin.base import OrganizationForm, PortalAdmin, PortalInline
from portal.doors import reader_of
from portal.models import Caregiver, CareTeamMembership, Patient, Provider


class CareTeamInline(PortalInline):
    """Who looks after the patient."""

    model = CareTeamMembership
    fields = ["provider", "role", "access", "ends_at"]
    verbose_name_plural = "care team"


class MandateForm(OrganizationForm):
    """A mandate to act for a patient; nobody gives one to themselves, or changes their own."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        user = cleaned.get("user")
        reason = "Ask another administrator: nobody opens a record to themselves."
        if self.instance._state.adding and user and user.pk == self.reader.user_id:
            self.add_error("user", reason)
        elif self.has_changed() and self.instance.user_id == self.reader.user_id:
            # Nor again, when it has ended; "End now" is always theirs.
            self.add_error(None, reason)
        return cleaned


class CaregiverInline(PortalInline):
    """Who acts for the patient."""

    model = Caregiver
    form = MandateForm
    fields = ["user", "relationship", "scope", "ends_at"]
    verbose_name_plural = "caregivers"


@admin.register(Patient)
class PatientAdmin(PortalAdmin):
    """People in care."""

    list_display = ["name", "mrn", "birth_on", "can_sign_in", "deceased_at"]
    list_filter = [
        ("user", admin.EmptyFieldListFilter),
        ("deceased_at", admin.EmptyFieldListFilter),
    ]
    search_fields = ["name", "mrn"]
    fields = [
        ("name", "mrn"),
        ("birth_on", "sex"),
        "language",
        ("phone", "email"),
        "deceased_at",
        "portal_account",
    ]
    readonly_fields = ["portal_account"]
    inlines = [CareTeamInline, CaregiverInline]

    @admin.display(boolean=True, description="Can sign in")
    def can_sign_in(self, patient: Patient) -> bool:
        return patient.user_id is not None

    @admin.display(description="Portal account")
    def portal_account(self, patient: Patient) -> str:
        if patient._state.adding:
            return "Save the patient first, then invite them."
        if patient.user is not None:
            return f"Signs in as {patient.user.email}"
        address = reverse("portal:patient_invitation", args=[patient.pk])
        return format_html('None yet · <a href="{}">Invite the patient</a>', address)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        patient = self.get_object(request, object_id)
        if patient is not None and request.method == "GET":
            reader = reader_of(request)
            audit.record(
                "patient.read",
                organization_id=reader.organization_id,
                actor_id=reader.user_id,
                subject=patient,
                patient_id=patient.pk,
                what="register",
            )
        return super().change_view(request, object_id, form_url, extra_context)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Put each row of the lists inside on record by itself."""
        super().save_formset(request, form, formset, change)
        for row in formset.new_objects:
            self.record(request, "added", row, [])
        for row, names in formset.changed_objects:
            self.record(request, "changed", row, [{"changed": {"fields": names}}])


@admin.register(Provider)
class ProviderAdmin(PortalAdmin):
    """Clinicians, those without an account too."""

    list_display = ["name", "role", "specialty", "user"]
    list_select_related = ["user"]
    search_fields = ["name", "specialty"]
    fields = ["name", "role", "specialty", "user"]


@admin.register(CareTeamMembership)
class CareTeamAdmin(PortalAdmin):
    """Places on care teams: the unit of a clinician's access."""

    list_display = ["patient", "provider", "role", "access", "starts_at", "ends_at"]
    list_filter = ["access", ("ends_at", admin.EmptyFieldListFilter)]
    list_select_related = ["patient", "provider"]
    search_fields = ["patient__name", "patient__mrn", "provider__name"]
    fields = ["patient", "provider", "role", "access", "starts_at", "ends_at"]
    actions = ["end_now"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # A place belongs to two people; another one is another place.
        return ["patient", "provider"] if obj else []

    @admin.action(description="End now")
    def end_now(self, request: HttpRequest, places: QuerySet[CareTeamMembership]) -> None:
        _end(self, request, places)


@admin.register(Caregiver)
class CaregiverAdmin(PortalAdmin):
    """Mandates to act for a patient."""

    form = MandateForm
    list_display = ["patient", "user", "relationship", "scope", "ends_at"]
    list_filter = ["scope", ("ends_at", admin.EmptyFieldListFilter)]
    list_select_related = ["patient", "user"]
    search_fields = ["patient__name", "patient__mrn", "user__name"]
    fields = ["patient", "user", "relationship", "scope", "ends_at"]
    actions = ["end_now"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["patient", "user"] if obj else []

    @admin.action(description="End now")
    def end_now(self, request: HttpRequest, mandates: QuerySet[Caregiver]) -> None:
        _end(self, request, mandates)


def _end(page: PortalAdmin, request: HttpRequest, rows: Any) -> None:
    """End each of the rows that has not ended; each is a change on record."""
    ended = 0
    for row in rows.active():
        row.ends_at = clock.now()
        row.save(update_fields=["ends_at"])
        page.record(request, "ended", row, [])
        ended += 1
    page.message_user(request, f"{ended} ended.", messages.SUCCESS)
