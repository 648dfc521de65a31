"""The bell, the list behind it, and marking as read."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from notifications import actions
from notifications.models import Notification
from notifications.wording import Told, told
from portal import access
from portal.doors import members_only, reader_of

LONGEST = 100


@require_safe
@members_only
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with the number of unread notifications."""
    return render(request, "parts/bell.html", {"unread": actions.unread(reader_of(request))})


@require_safe
@members_only
def index(request: HttpRequest) -> HttpResponse:
    """What the reader was told, the newest first; as a fragment, only the list."""
    reader = reader_of(request)
    listed = list(
        access.of_reader(Notification.objects.all(), reader).select_related("patient")[:LONGEST]
    )
    shown: list[Told] = [told(notification, reader) for notification in listed]
    context = {
        "shown": shown,
        "unread": sum(not notification.is_read for notification in listed),
        "layout": "layouts/staff.html" if reader.is_staff else "layouts/patient.html",
    }
    if request.headers.get("HX-Request"):
        return render(request, "notifications/_list.html", context)
    return render(request, "notifications/index.html", context)


@require_POST
@members_only
def read(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Mark one as read, and go to what it tells of."""
    reader = reader_of(request)
    try:
        notification = actions.mark_read(notification_id, by=reader)
    except Notification.DoesNotExist:
        raise Http404 from None
    return redirect(told(notification, reader).href)


@require_POST
@members_only
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    actions.mark_all_read(by=reader_of(request))
    return redirect("notifications:index")
