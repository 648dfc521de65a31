"""Idle and absolute limits of a session, kept on the server."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from portal.models import Role, Session
from portal.sessions import ReadSession, SessionStore, name_of

IDLE_KEY = "idle_seconds"
REFRESH_HEADER = "X-Vigil-Refresh"
# One write per so many seconds of activity; a limit is minutes, so this costs no one anything.
TOUCH_EVERY = timedelta(seconds=10)
# What a page does by itself is not a person at the keyboard.
NOT_ACTIVITY = ("/realtime/", "/account/kept-text/")


def idle_limit(role: Role | str | None) -> timedelta:
    """How long somebody in this role may be silent."""
    if role is not None and Role(role).is_staff:
        return settings.SESSION_IDLE_STAFF
    return settings.SESSION_IDLE_PATIENT


def is_activity(request: HttpRequest) -> bool:
    """Whether a request shows that a person is there."""
    if request.headers.get(REFRESH_HEADER) or request.path.startswith(NOT_ACTIVITY):
        return False
    # The page asks how long the session still has; only the button "Stay signed in" extends it.
    return not (request.path == "/session/" and request.method != "POST")


class SessionLimits:
    """End a session that was silent too long or is too old; note activity otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        digest = name_of(request)
        if not digest or request.path in ("/healthz", "/readyz"):
            return self.get_response(request)
        if request.session.get(SESSION_KEY):
            session = cast(SessionStore, request.session).row
            if session is None or is_over(session, request.session.get(IDLE_KEY)):
                request.session.flush()
                return self.get_response(request)
            if is_activity(request) and session.read_at - session.last_active_at > TOUCH_EVERY:
                Session.objects.filter(pk=digest).update(last_active_at=Now())
        return self.get_response(request)


class Timed(Protocol):
    """A session's row, or as much of it as tells when it ends."""

    @property
    def created_at(self) -> datetime: ...

    @property
    def last_active_at(self) -> datetime: ...


def ends_at(session: Timed, idle_seconds: int | None) -> datetime:
    """The instant at which a session ends if nobody touches it."""
    idle = timedelta(seconds=idle_seconds) if idle_seconds else settings.SESSION_IDLE_STAFF
    absolute = session.created_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return min(session.last_active_at + idle, absolute)


def is_over(session: ReadSession, idle_seconds: int | None) -> bool:
    """Whether the session had passed one of its limits when it was read."""
    return ends_at(session, idle_seconds) <= session.read_at
