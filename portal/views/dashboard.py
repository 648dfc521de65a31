"""The first page of staff: who needs me now? For an administrator: what do I run?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import access
from portal.doors import STAFF, for_roles, note_glance, reader_of
from portal.models import Invitation, Membership, Provider, Role
from portal.views.register import without_account


@require_safe
@for_roles(*STAFF)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the frame that the apps fill, or the administrator's overview."""
    reader = reader_of(request)
    if reader.is_admin:
        return render(request, "portal/dashboard_admin.html", _overview(reader))
    provider = access.of_reader(Provider.objects.all(), reader).first()
    note_glance(
        request, what="dashboard", patients=access.care_team_patients(reader).living().count()
    )
    return render(request, "portal/dashboard.html", {"provider": provider})


def _overview(reader: access.Reader) -> dict[str, object]:
    """Counts and names of what an administrator looks after; nothing clinical."""
    members = access.of_organization(Membership.objects.active(), reader)
    patients = access.known_patients(reader)
    # A team whom nobody can reach is none: what is written to it, nobody reads.
    looked_after = access.reachable_places(reader).values("patient_id")
    without_team = patients.living().exclude(pk__in=looked_after)
    roles = list(members.values_list("role", flat=True))
    return {
        "roles": [
            {"label": role.label, "value": role.value, "count": roles.count(role.value)}
            for role in (Role.CLINICIAN, Role.NURSE, Role.ADMIN, Role.PATIENT, Role.CAREGIVER)
        ],
        "patient_count": patients.count(),
        "without_team": without_team[:10],
        "without_team_count": without_team.count(),
        "without_account_count": without_account(patients).count(),
        "open_invitations": access.of_organization(
            Invitation.objects.open().select_related("patient"), reader
        )[:10],
    }
