"""Behind the link of an invitation: the birth date, a password, and in."""

from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal import tenancy
from portal.actions.errors import AddressTaken, InvitationClosed
from portal.actions.invitations import accept_invitation, prove_birth_date
from portal.forms.invitations import AcceptForm, JoinForm
from portal.models import Invitation, Organization, User
from portal.views.entering import enter, sign_in_user
from portal.views.tokens import unreferred


class Found(NamedTuple):
    """What the digest of a token leads to (portal_find_invitation)."""

    invitation_id: UUID
    organization_id: UUID
    patient_id: UUID


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for birth date and password; make the account and sign the patient in."""
    found = _find(token)
    with tenancy.acting_for(found.organization_id, system=True):
        invited = Invitation.objects.get(pk=found.invitation_id)
        has_account = User.objects.filter(email=invited.email).exists()
    if not invited.is_open:
        return _closed(request, found)
    form = _form(request, invited.email, has_account=has_account)
    if request.method == "POST" and form.is_valid():
        try:
            if (answer := _accept(request, found, form)) is not None:
                return answer
        except InvitationClosed:
            return _closed(request, found)
    context = {
        "form": form,
        "organization": Organization.objects.get(pk=found.organization_id),
        "email": invited.email,
        "has_account": has_account,
    }
    status = 422 if form.errors else 200
    return unreferred(render(request, "portal/invitation.html", context, status=status))


def _accept(request: HttpRequest, found: Found, form: AcceptForm | JoinForm) -> HttpResponse | None:
    if not prove_birth_date(
        found.invitation_id, found.organization_id, form.cleaned_data["birth_on"]
    ):
        with tenancy.acting_for(found.organization_id, system=True):
            invited = Invitation.objects.get(pk=found.invitation_id)
        if not invited.is_open:
            raise InvitationClosed
        form.add_error("birth_on", _wrong_birth_date(invited.MAX_ATTEMPTS - invited.attempts))
        return None
    if isinstance(form, JoinForm) and not form.prove_password():
        return None
    try:
        membership = accept_invitation(
            found.invitation_id,
            found.organization_id,
            password=form.cleaned_data["password"],
            user=form.user if isinstance(form, JoinForm) else None,
        )
    except AddressTaken as taken:
        form.add_error(None, f"{taken.words} Your clinic can send a new invitation.")
        return None
    tenancy.prove(str(membership.user_id))
    # A browser that somebody else left signed in becomes the patient's own.
    request.session.flush()
    sign_in_user(request, User.objects.get(pk=membership.user_id))
    enter(request, membership)
    return unreferred(redirect("portal:start"))


def _find(token: str) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT invitation_id, organization_id, patient_id FROM portal_find_invitation(%s)",
            [Invitation.digest_of(token)],
        )
        row = cursor.fetchone()
    if row is None:
        raise Http404
    return Found(*row)


def _closed(request: HttpRequest, found: Found) -> HttpResponse:
    """Say why the link works no more, and what to do."""
    with tenancy.acting_for(found.organization_id, system=True):
        invited = Invitation.objects.get(pk=found.invitation_id)
        # Another link may have been used, or the account made at the clinic.
        is_member = invited.patient.user_id is not None
    context = {
        "state": "accepted" if is_member else invited.state,
        "organization": Organization.objects.get(pk=found.organization_id),
    }
    return unreferred(render(request, "portal/invitation_closed.html", context, status=410))


def _form(request: HttpRequest, email: str, *, has_account: bool) -> AcceptForm | JoinForm:
    if has_account:
        return JoinForm(request, email, request.POST or None)
    return AcceptForm(User(email=email), request.POST or None)


def _wrong_birth_date(left: int) -> str:
    tries = "You can try once more" if left == 1 else f"You can try {left} more times"
    return f"This is not the date we have. {tries}."
