"""One transaction around each view and its rendering, bound to the reader."""

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from portal import tenancy
from portal.sessions import ORGANIZATION_KEY

# These answer also when the database does not.
WITHOUT_DATABASE = ("/healthz", "/readyz", "/health/realtime", "/metrics")
# …and the poll asks as its own reader, each time in a transaction of its own: it waits for its turn
# without any (`realtime.turns`).
WITHOUT_TRANSACTION = (*WITHOUT_DATABASE, "/realtime/changes")


class TenantTransaction:
    """Open the request's transaction and set the organization and user that RLS answers.

    `ATOMIC_REQUESTS` would end before a `TemplateResponse` renders and leave its lazy queries
    without context, that is, without rows. Session writes stay outside: the session middleware
    wraps this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in WITHOUT_TRANSACTION:
            return self.get_response(request)
        with transaction.atomic():
            _bind(request)
            response = self.get_response(request)
            if getattr(request, "view_raised", False):
                transaction.set_rollback(True)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Remember that the view failed: by the time it returns here it is a response."""
        request.view_raised = True  # type: ignore[attr-defined]


def _bind(request: HttpRequest) -> None:
    """As a program when a key was shown, and as nobody when it opened nothing; else as a person."""
    if request.service is not None:  # type: ignore[attr-defined]
        tenancy.bind_service(request.service.organization_id, request.service.account_id)  # type: ignore[attr-defined]
    elif not request.showed_key:  # type: ignore[attr-defined]
        tenancy.bind(request.session.get(ORGANIZATION_KEY), request.session.get(SESSION_KEY))
