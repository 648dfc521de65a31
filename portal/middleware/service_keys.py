"""Which program is calling, when it is one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars

from portal.service_accounts import count_use, service_with

# A key opens nothing else: pages are for people.
FOR_PROGRAMS = "/api/"


class ServiceKeys:
    """Put `request.service` on each request: the account that its key opens, or None.

    `request.showed_key` is whether there was a key at all: one that opens nothing is refused, and
    never falls back to the session of whoever's browser it came from. `request.wait_seconds` is
    for how long the account has had enough.

    Outside the request's transaction, so that a use counts also when the request fails.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.service = None  # type: ignore[attr-defined]
        request.wait_seconds = 0  # type: ignore[attr-defined]
        header = request.headers.get("Authorization") if _is_for_programs(request) else None
        request.showed_key = header is not None  # type: ignore[attr-defined]
        if header is not None:
            scheme, _, key = header.partition(" ")
            service = service_with(key.strip()) if scheme.lower() == "bearer" else None
            if service is not None:
                bind_contextvars(service=str(service.account_id))
                request.wait_seconds = count_use(service)  # type: ignore[attr-defined]
            request.service = service  # type: ignore[attr-defined]
        return self.get_response(request)


def _is_for_programs(request: HttpRequest) -> bool:
    return request.path.startswith(FOR_PROGRAMS)
