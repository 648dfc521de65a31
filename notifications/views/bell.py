"""The bell, the list behind it, and saying that one has seen it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from notifications import actions
from notifications.lists import by_day, lines, newest
from notifications.models import Notification
from notifications.wording import href
from portal.access import Reader
from portal.doors import members_only, reader_of

# A list is for seeing what is new; what was is in the thing itself.
LONGEST = 200
ON_THE_BELL = 5


@require_safe
@members_only
def index(request: HttpRequest) -> HttpResponse:
    """Show what the reader was told, by day; as a fragment, the list alone."""
    reader = reader_of(request)
    context = {
        "days": by_day(lines(newest(reader)[:LONGEST], reader)),
        "unread": actions.unread(reader),
    }
    fragment = bool(request.headers.get("HX-Request"))
    template = "notifications/_list.html" if fragment else "notifications/index.html"
    return render(request, template, context)


@require_safe
@members_only
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with its count and the latest few in a menu."""
    return render(request, "notifications/_bell.html", _latest(reader_of(request)))


@require_safe
@members_only
def count(request: HttpRequest) -> HttpResponse:
    """The count alone: a menu that is open stays open while it changes."""
    unread = actions.unread(reader_of(request))
    return render(request, "notifications/_count.html", {"unread": unread})


@require_safe
@members_only
def latest(request: HttpRequest) -> HttpResponse:
    """The latest few alone."""
    return render(request, "notifications/_latest.html", _latest(reader_of(request)))


@require_POST
@members_only
def read(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """The reader has seen one thing they were told of; lead on to it."""
    reader = reader_of(request)
    try:
        notification = actions.mark_read(notification_id, by=reader)
    except Notification.DoesNotExist:
        raise Http404 from None
    return redirect(href(notification, reader))


@require_POST
@members_only
def read_all(request: HttpRequest) -> HttpResponse:
    """The reader has seen them all; answer with the list as it now stands."""
    reader = reader_of(request)
    actions.mark_all_read(by=reader)
    if request.headers.get("HX-Request"):
        return render(request, "notifications/_latest.html", _latest(reader))
    messages.success(request, "All marked as read.")
    return redirect("notifications:index")


def _latest(reader: Reader) -> dict[str, object]:
    # Several about one thing are one line, so a few lines may need many notifications.
    found = lines(newest(reader)[:LONGEST], reader)
    return {"lines": found[:ON_THE_BELL], "unread": actions.unread(reader)}
