"""One line in the log for each request, and the request's id on every line written during it."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from portal.identifiers import uuid7
from portal.middleware.tenancy import WITHOUT_DATABASE

REQUEST_ID_HEADER = "X-Request-Id"

log = structlog.get_logger("portal.journal")


class Journal:
    """Write method, path, status and duration; who and where as identifiers only.

    The query is left out: it may hold what somebody searched for. The id goes to the browser too,
    so that a person who calls can read it out; one that comes with a request is not believed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        request_id = str(uuid7())
        bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        response = self.get_response(request)
        reader = getattr(request, "reader", None)
        # Asked every few seconds by whoever watches over us: only a bad answer is news.
        is_watch = request.path in WITHOUT_DATABASE and response.status_code < 400
        write = log.debug if is_watch else log.info
        write(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            **_who(reader),
        )
        response[REQUEST_ID_HEADER] = request_id
        return response

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        """Once the reader is known: name them on every line that the view writes."""
        bind_contextvars(**_who(getattr(request, "reader", None)))


def _who(reader: Any) -> dict[str, str]:
    if reader is None:
        return {}
    return {"user": str(reader.user_id), "organization": str(reader.organization_id)}
