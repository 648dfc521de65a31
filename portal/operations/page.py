"""The operations page: is everything delivered? For administrators.

Relay, log and processes serve all organizations alike, so that every administrator sees the numbers
of the whole installation, and by organization those of their own alone. Nothing here is anybody's.
"""

from collections import Counter
from datetime import timedelta
from math import inf
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from alerts.models import AuditorAlarm
from portal import access, audit
from portal.access import Reader
from portal.doors import for_roles, reader_of
from portal.models import AuditEntry, Organization, Role
from portal.operations import figures, health, history, measures, pictures, snapshot
from portal.operations.healing import MENDED
from portal.operations.health import Check
from portal.operations.history import DAY, HOUR
from portal.operations.measures import HubMeasures
from portal.operations.models import Finding
from realtime import close_codes

# How soon each part of the page looks again.
NOW_SECONDS, HISTORY_SECONDS = 10, 60

LATELY = timedelta(days=1)
MOST_ENDED = 10

_CODES = {
    getattr(close_codes, name): name.replace("_", " ").lower()
    for name in dir(close_codes)
    if name.isupper()
} | {
    1000: "closed by the page",
    1001: "page left, or silent",
    1005: "closed by the page",
    1006: "connection lost",
}


@require_safe
@for_roles(Role.ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """All of it."""
    context = now_of(request) | history_of(request)
    return render(request, "operations/page.html", context)


@require_safe
@for_roles(Role.ADMIN)
def now(request: HttpRequest) -> HttpResponse:
    """What is now, as a fragment."""
    return render(request, "operations/_now.html", now_of(request))


@require_safe
@for_roles(Role.ADMIN)
def glance(request: HttpRequest) -> HttpResponse:
    """Whether all is well, as a fragment of the administrator's first page."""
    return render(request, "operations/_glance.html", verdict_of(request))


@require_safe
@for_roles(Role.ADMIN)
def past(request: HttpRequest) -> HttpResponse:
    """The last hour or day, as a fragment."""
    return render(request, "operations/_history.html", history_of(request))


@require_safe
@for_roles(Role.ADMIN)
def debug_snapshot(request: HttpRequest) -> HttpResponse:
    """The snapshot as a file; that it was taken is on record."""
    reader, at = reader_of(request), timezone.now()
    document = snapshot.taken(reader.organization_id, at)
    audit.record(
        "operations.snapshot_taken",
        organization_id=reader.organization_id,
        actor_id=reader.user_id,
        events=len(document["events"]),
    )
    answer = JsonResponse(document, json_dumps_params={"indent": 1, "ensure_ascii": False})
    name = f"vigil-snapshot-{at:%Y-%m-%dT%H-%M}.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def verdict_of(request: HttpRequest) -> dict[str, Any]:
    """What says whether all is well."""
    reader, at = reader_of(request), timezone.now()
    hubs, stream = history.now_of_all(at), measures.of_stream()
    state, checks = health.judged(hubs, stream, history.silent(at))
    return {
        "at": at,
        "looks_again_at": at + timedelta(seconds=NOW_SECONDS),
        "state": state,
        "checks": checks,
        "amiss": [check for check in checks if check.state != health.GREEN],
        "findings": list(Finding.objects.filter(ended_at=None).exclude(raised_at=None)),
        "alarms": list(access.of_organization(AuditorAlarm.objects.filter(ended_at=None), reader)),
        "stream": stream,
        "hubs": hubs,
    }


def now_of(request: HttpRequest) -> dict[str, Any]:
    """What the upper part needs."""
    verdict = verdict_of(request)
    reader, at = reader_of(request), verdict["at"]
    stream, hubs = verdict["stream"], verdict["hubs"]
    ended = Finding.objects.exclude(raised_at=None).filter(ended_at__gt=at - LATELY)
    return verdict | {
        "checks": [_said(check) for check in verdict["checks"]],
        "ended": list(ended.order_by("-ended_at")[:MOST_ENDED]),
        "mended": list(
            access.of_organization(AuditEntry.objects.filter(action=MENDED), reader).filter(
                at__gt=at - timedelta(days=7)
            )[:MOST_ENDED]
        ),
        "beat_age": figures.age(health.beat_age(stream)) if stream else "",
        "oldest_waiting": figures.seconds(stream.oldest_waiting) if stream else "",
        "leader": history.leader(at),
        "processes": history.processes(at),
        "behind": history.behind(at),
        "errors": _errors(hubs),
    }


def history_of(request: HttpRequest) -> dict[str, Any]:
    """What the plots need, for `?span=day` or the hour; as tables with `?as=tables`."""
    reader, at = reader_of(request), timezone.now()
    span = DAY if request.GET.get("span") == DAY.name else HOUR
    moments = history.moments(span, at, reader.organization_id)
    zone = timezone.get_current_timezone()
    shown = pictures.pictures(span, moments, _name(reader), history.usual(at))
    return {
        "span": span.name,
        "as_tables": request.GET.get("as") == "tables",
        "drawn": [pictures.drawn(picture, moments, zone) for picture in shown] if moments else [],
        "at": at,
        "draws_again_at": at + timedelta(seconds=HISTORY_SECONDS),
    }


def _name(reader: Reader) -> str:
    return Organization.objects.get(pk=reader.organization_id).name


def _said(check: Check) -> dict[str, Any]:
    words = {health.GREEN: "Well", health.YELLOW: "Look", health.RED: "Act"}
    return {
        "name": check.name[0].upper() + check.name[1:],
        "state": check.state,
        "words": words[check.state],
        "value": "" if check.value is None else check.said(check.value),
        "look": "" if check.yellow == check.red else _bound(check, check.yellow),
        "act": _bound(check, check.red),
    }


def _bound(check: Check, bound: float) -> str:
    """Beyond what; nothing where there is no such bound, or only yes and no."""
    if bound == inf or check.said is figures.yes_or_no:
        return ""
    return f"{'<' if check.red < check.yellow else '>'} {check.said(bound)}"


def _errors(hubs: HubMeasures | None) -> list[tuple[str, str, int]]:
    """What went wrong in the last hour: what it was, its code, how often."""
    if hubs is None:
        return []
    totals = hubs.hour
    pages = Counter({"too many at once": totals.pages_turned_away})
    return [
        *(
            ("Socket closed", f"{code} {_CODES.get(code, '')}".strip(), number)
            for code, number in _most(totals.closed)
        ),
        *(("Subscription refused", code, number) for code, number in _most(totals.refused)),
        *(("Handshake refused", str(code), number) for code, number in _most(totals.turned_away)),
        *(("Page refused", why, number) for why, number in _most(pages)),
    ]


def _most(counted: Counter[Any]) -> list[tuple[Any, int]]:
    return [(key, number) for key, number in counted.most_common() if number]
