"""Beginning and changing a session: the only place that writes who is signed in, and where.

Every change of rights gives the session a new key (ASVS 7.2.4). The old row goes, which closes the
sockets of pages that were rendered under the old rights (see `portal.models.Session`).
"""

from uuid import UUID

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal import audit, clock, tenancy
from portal.actions.organizations import remember_organization
from portal.browsers import address_of, browser_in_words
from portal.middleware.session_cookie import take_cookie
from portal.middleware.sessions import IDLE_KEY, idle_limit
from portal.models import Membership, Role, User
from portal.sessions import BROWSER_KEY, ORGANIZATION_KEY, PLACE_KEY, STARTED_KEY

BACKEND = "portal.authentication.EmailBackend"


def sign_in_user(request: HttpRequest, user: User) -> None:
    """Begin a session for a user who has proven who they are; they have entered nowhere yet."""
    login(request, user, backend=BACKEND)
    request.session[STARTED_KEY] = clock.now().isoformat()
    request.session[BROWSER_KEY] = browser_in_words(request.headers.get("User-Agent", ""))
    request.session[PLACE_KEY] = address_of(request)
    tenancy.bind(None, user.pk)


def enter(request: HttpRequest, membership: Membership) -> None:
    """Let the signed-in user into an organization, with the limits of their role there."""
    left = request.session.get(ORGANIZATION_KEY)
    organization_id = membership.organization_id
    request.session[ORGANIZATION_KEY] = str(organization_id)
    request.session[IDLE_KEY] = int(idle_limit(Role(membership.role)).total_seconds())
    # A new row with everything in it: the engine takes a changed row for the end of a session.
    request.session.cycle_key()
    tenancy.bind(organization_id, membership.user_id)
    remember_organization(organization_id, user_id=membership.user_id)
    audit.record(
        "session.switched" if left else "session.started",
        organization_id=organization_id,
        actor_id=membership.user_id,
        browser=request.session.get(BROWSER_KEY, ""),
    )


def leave(request: HttpRequest) -> HttpResponse:
    """End the session of this browser and lead to the front door."""
    reader = request.reader  # type: ignore[attr-defined]
    if reader is not None:
        audit.record(
            "session.ended", organization_id=reader.organization_id, actor_id=reader.user_id
        )
    logout(request)
    return take_cookie(forget_page(redirect("portal:sign_in")))


def forget_page(response: HttpResponse) -> HttpResponse:
    """Tell the browser to drop what it holds of us (ASVS 14.3.1)."""
    # Not "cookies": that would also take those of the host's other subdomains.
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def memberships_of(user_id: UUID) -> list[Membership]:
    """The places a user may enter now, the one where they were last first."""
    last = User.objects.filter(pk=user_id).values_list("last_organization_id", flat=True).first()
    places = Membership.objects.active().filter(user_id=user_id).select_related("organization")
    return sorted(
        places, key=lambda place: (place.organization_id != last, place.organization.name)
    )
