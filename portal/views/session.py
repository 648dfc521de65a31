"""How long the session still has, and "I am here"."""

from math import floor

from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portal.middleware.sessions import IDLE_KEY, ends_at
from portal.models import Session
from portal.sessions import name_of


@require_http_methods(["GET", "HEAD", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """Say how many seconds are left, as JSON; a POST starts them again.

    A GET is not activity (`portal.middleware.sessions`): the page asks by itself. 401 without a
    session. The end that no activity moves, twelve hours after signing in, counts too.
    """
    if request.reader is None:  # type: ignore[attr-defined]
        return JsonResponse({"seconds_left": 0}, status=401)
    digest = name_of(request)
    if request.method == "POST":
        # By the person's own press, so at once and not only every so often.
        Session.objects.filter(pk=digest).update(last_active_at=Now())
        if "json" not in request.headers.get("Accept", ""):
            return redirect("portal:start")
    row = Session.objects.annotate(read_at=Now()).get(pk=digest)
    left = ends_at(row, request.session.get(IDLE_KEY)) - row.read_at
    return JsonResponse({"seconds_left": max(0, floor(left.total_seconds()))})
