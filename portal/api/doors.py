"""The two doors of the API: the key of a program and the session of a person.

Each app says what a caller is to it: a door is made with what it turns its guests into.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from portal import audit
from portal.access import Reader
from portal.api.outcomes import NotAllowed, TooMany, Wrong
from portal.models import Scope
from portal.service_accounts import Service


class Unknown(Wrong):
    """A key that opens nothing."""

    def __init__(self) -> None:
        super().__init__(401)


class ServiceKey(HttpBearer):
    """The key of a service account, found by `portal.middleware.service_keys`."""

    def __init__(self, guest: Callable[[Service], Any]) -> None:
        super().__init__()
        self.guest = guest

    def __call__(self, request: HttpRequest) -> Any:
        if not request.showed_key:  # type: ignore[attr-defined]
            return None
        if request.service is None:  # type: ignore[attr-defined]
            raise Unknown
        if request.wait_seconds:  # type: ignore[attr-defined]
            raise TooMany(request.wait_seconds)  # type: ignore[attr-defined]
        return self.guest(request.service)  # type: ignore[attr-defined]

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not asked: the middleware has seen the key, before the transaction began."""


class PersonSession(APIKeyCookie):
    """The session of a browser. What changes something needs the page's proof (CSRF)."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, guest: Callable[[Reader], Any]) -> None:
        super().__init__()
        self.guest = guest

    def __call__(self, request: HttpRequest) -> Any:
        reader: Reader | None = request.reader  # type: ignore[attr-defined]
        if reader is None:
            return None
        if request.wait_seconds:  # type: ignore[attr-defined]
            raise TooMany(request.wait_seconds)  # type: ignore[attr-defined]
        if check_csrf(request):
            raise NotAllowed("The page's proof is missing: send it in X-CSRFToken.")
        return self.guest(reader)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Not asked: the middleware has read the session."""


def must(service: Service, scope: Scope) -> None:
    """Raise NotAllowed, and put it on record, when a program was not given a scope."""
    if not service.may(scope):
        audit.record(
            "service_account.not_allowed",
            organization_id=service.organization_id,
            actor_id=service.account_id,
            scope=str(scope),
        )
        raise NotAllowed(f"This key has not the scope {scope}.")
