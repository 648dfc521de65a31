"""Visits in one's own calendar, and what reminders may say."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from appointments.actions import (
    allow_time_and_place,
    allows_time_and_place,
    live_feed,
    make_feed,
    revoke_feed,
    withdraw_time_and_place,
)
from portal.addresses import site_of
from portal.doors import CLINICAL, PATIENTS, for_roles, reader_of


@require_safe
@for_roles(*PATIENTS, *CLINICAL)
def my_calendar(request: HttpRequest) -> HttpResponse:
    """Say whether there is a private address, and what reminders say."""
    return _page(request)


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def feed_address(request: HttpRequest) -> HttpResponse:
    """Make a private address and show it, this once; the one before ends."""
    _, token = make_feed(by=reader_of(request))
    address = site_of(request).rstrip("/") + reverse("appointments:feed", args=[token])
    answer = _page(request, address=address)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def feed_end(request: HttpRequest) -> HttpResponse:
    """End the private address."""
    revoke_feed(by=reader_of(request))
    return redirect("appointments:my_calendar")


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def consent(request: HttpRequest) -> HttpResponse:
    """Reminders may name time and place (`may=yes`), or no longer."""
    act = allow_time_and_place if request.POST.get("may") == "yes" else withdraw_time_and_place
    act(by=reader_of(request))
    return redirect("appointments:my_calendar")


def _page(request: HttpRequest, address: str = "") -> HttpResponse:
    reader = reader_of(request)
    context = {
        "feed": live_feed(by=reader),
        "address": address,
        "may_name": allows_time_and_place(by=reader),
    }
    return render(request, "appointments/my_calendar.html", context)
