"""Two questions that a machine asks: is this process alive, and is it ready to serve people?

Neither reads a session or answers with anything about a person, so both are open to anyone.
"""

import logging
import threading

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.operations.wellbeing import Finding, findings

logger = logging.getLogger(__name__)

_said: dict[str, str] = {}
_said_lock = threading.Lock()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. Looks at nothing else, so that no outage restarts it."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready, degraded (both 200) or not ready (503), with the state of each part.

    Degraded means that people are served: without a relay pages do not move by themselves, without
    a bus they do so a third of a second later. Taking such a process out of service would help
    nobody.
    """
    found = findings()
    _log_changes(found)
    if not all(part.is_well for part in found if part.is_vital):
        status, code = "not ready", 503
    elif not all(part.is_well for part in found):
        status, code = "degraded", 200
    else:
        status, code = "ready", 200
    response = JsonResponse({"status": status, **{part.part: part.state for part in found}})
    response.status_code = code
    response["Cache-Control"] = "no-store"
    return response


def _log_changes(found: list[Finding]) -> None:
    """Say once that a part is not well and once that it is again, however often we are asked.

    Of the database and the bus those speak who miss them: `outage` and `realtime.bus`.
    """
    for part in found:
        if part.part not in {"migrations", "relay"} or part.state == "unknown":
            continue
        state = "ok" if part.is_well else "not well"
        with _said_lock:
            before, _said[part.part] = _said.get(part.part, "ok"), state
        if state != before and not part.is_well:
            logger.error("Not well: %s %s.", part.part, part.state)
        elif state != before:
            logger.warning("Well again: %s.", part.part)
