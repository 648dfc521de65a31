"""What machines watch: /health/realtime judges, /metrics counts (Prometheus' text format).

Each web process answers for its own sockets, and all of them for the stream they share: ask every
process. Both are closed to people: they answer whoever has METRICS_TOKEN, and what asks from this
very machine and not through a proxy. To everybody else the addresses do not exist.
"""

import ipaddress
import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from portal import tenancy
from portal.operations import exposition, health, history, measures
from portal.operations.health import Check

# Whatever came through a proxy has at least one of them, and came from elsewhere.
_OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def for_watchers(view: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let watchers in; 404 to others."""

    @wraps(view)
    def watched(request: HttpRequest) -> HttpResponse:
        if not may_watch(request):
            raise Http404
        response = view(request)
        response["Cache-Control"] = "no-store"
        return response

    return watched


def may_watch(request: HttpRequest) -> bool:
    """Whether the request has the token, or comes from this machine itself."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    if any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@require_safe
@for_watchers
def realtime_health(request: HttpRequest) -> HttpResponse:
    """Green, yellow or red, with each measure and its bounds.

    Always 200: a balancer that took a red process out of service would end the sockets of people
    who are served, however slowly.
    """
    hub = measures.of_hub()
    status, checks = health.judged(hub, measures.of_stream(), _silent())
    answer = {
        "status": status,
        "sockets": hub.sockets if hub else 0,
        "checks": as_json(checks),
    }
    return JsonResponse(answer)


def _silent() -> int | None:
    """How many web processes are silent: one that hangs answers nobody, so the others say it."""
    try:
        with tenancy.acting_for(None, system=True):
            return history.silent(timezone.now())
    except Error:
        # That the database is away is a measure of its own.
        return None


@require_safe
@for_watchers
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is counted."""
    text, content_type = exposition.written(measures.of_hub(), measures.of_stream())
    return HttpResponse(text, content_type=content_type)


def as_json(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Checks with their bounds, as JSON can hold them."""
    return [
        {
            "name": check.name,
            "state": check.state,
            "value": _finite(check.value),
            "unit": check.unit,
            "yellow": _finite(check.yellow),
            "red": _finite(check.red),
        }
        for check in checks
    ]


def _finite(value: float | None) -> float | None:
    """JSON knows no infinity: without an end is without a number."""
    return None if value is None or not math.isfinite(value) else round(value, 4)
