"""Inviting a patient: who was invited, to which address, what became of it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal import mail
from portal.actions.errors import Refused
from portal.actions.invitations import invitable_patients, invite_patient, revoke_invitations
from portal.addresses import site_of
from portal.doors import STAFF, for_roles, note_reading, reader_of
from portal.forms.invitations import InviteForm
from portal.models import Invitation, Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*STAFF)
def patient_invitation(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show the patient's invitations; send one, send it again, or withdraw it."""
    reader = reader_of(request)
    patient = invitable_patients(reader).filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    note_reading(request, patient, what="invitation")
    if request.method == "POST" and "revoke" in request.POST:
        revoked = revoke_invitations(patient.pk, by=reader)
        messages.success(
            request, "The link no longer works." if revoked else "There was no open invitation."
        )
        return redirect("portal:patient_invitation", patient.pk)
    invitations = Invitation.objects.filter(patient=patient).select_related("created_by")
    open_invitation = next((made for made in invitations if made.is_open), None)
    address = open_invitation.email if open_invitation else patient.email
    form = InviteForm(request.POST or None, initial={"email": address})
    if request.method == "POST" and form.is_valid() and _invite(request, patient, form):
        return redirect("portal:patient_invitation", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "invitations": invitations,
        "open_invitation": open_invitation,
        "may_see_chart": not reader.is_admin,
        "sends_mail": mail.is_on(),
    }
    status = 422 if form.errors else 200
    return render(request, "portal/patient_invitation.html", context, status=status)


def _invite(request: HttpRequest, patient: Patient, form: InviteForm) -> bool:
    try:
        invite_patient(
            patient.pk,
            form.cleaned_data["email"],
            by=reader_of(request),
            site=site_of(request),
        )
    except Refused as refused:
        form.add_error(None, refused.words)
        return False
    messages.success(request, "The invitation is on its way.")
    return True
