"""In which organization a person is: chosen after signing in, changed from the account menu."""

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.addresses import is_own
from portal.views.entering import enter, memberships_of


@require_http_methods(["GET", "HEAD", "POST"])
def organization_switch(request: HttpRequest) -> HttpResponse:
    """Show the organizations that the signed-in user belongs to, or enter one of them."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    places = memberships_of(request.user.pk)
    if not places:
        return redirect("portal:sign_in")
    if request.method != "POST":
        return render(
            request,
            "portal/organization.html",
            {"places": places, "next": request.GET.get("next", "")},
        )
    chosen = next(
        (place for place in places if str(place.organization_id) == _asked(request)), None
    )
    if chosen is None:
        raise Http404
    had_none = request.reader is None  # type: ignore[attr-defined]
    enter(request, chosen)
    following = request.POST.get("next", "")
    # An address of one organization means nothing in another: it is kept only after signing in.
    if had_none and is_own(request, following):
        return redirect(following)
    return redirect("portal:start")


def _asked(request: HttpRequest) -> str:
    try:
        return str(UUID(request.POST.get("organization", "")))
    except ValueError:
        return ""
