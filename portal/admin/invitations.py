"""Invitations: what was sent to whom, and what became of it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.actions.errors import Refused
from portal.actions.invitations import invite_patient, revoke_invitations
from portal.addresses import site_of
from portal.admin.base import ReadOnlyAdmin
from portal.doors import reader_of
from portal.models import Invitation


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """A patient is invited from the register; here invitations are sent again or withdrawn."""

    list_display = ["patient", "email", "state", "created_at", "sent_at", "expires_at"]
    list_select_related = ["patient"]
    list_filter = ["created_at", ("accepted_at", admin.EmptyFieldListFilter)]
    search_fields = ["patient__name", "patient__mrn", "email"]
    fields = [
        "patient",
        "email",
        "state",
        "created_by",
        "created_at",
        "sent_at",
        "expires_at",
        "attempts",
        "accepted_at",
        "revoked_at",
    ]
    actions = ["send_again", "withdraw"]

    @admin.display(description="State")
    def state(self, invitation: Invitation) -> str:
        return invitation.state

    @admin.action(description="Send a new link")
    def send_again(self, request: HttpRequest, invitations: QuerySet[Invitation]) -> None:
        sent = 0
        for invitation in invitations.select_related("patient"):
            try:
                invite_patient(
                    invitation.patient_id,
                    invitation.email,
                    by=reader_of(request),
                    site=site_of(request),
                )
            except Refused as refused:
                words = f"{invitation.patient.name}: {refused.words}"
                self.message_user(request, words, messages.ERROR)
            else:
                sent += 1
        if sent:
            self.message_user(request, f"{sent} invitations are on their way.", messages.SUCCESS)

    @admin.action(description="Withdraw")
    def withdraw(self, request: HttpRequest, invitations: QuerySet[Invitation]) -> None:
        patients = set(invitations.values_list("patient_id", flat=True))
        revoked = sum(revoke_invitations(patient, by=reader_of(request)) for patient in patients)
        self.message_user(request, f"{revoked} links no longer work.", messages.SUCCESS)
