"""The closed-loop report as a page and as a file."""

import csv
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from alerts import report
from alerts.cards import Card, cards_of
from alerts.closed_loop import Loop, levels, misses
from alerts.models import Alert
from portal import access, audit
from portal.access import Reader
from portal.doors import STAFF, for_roles, note_glance, reader_of

DAYS = (7, 30, 90)
MISSES_SHOWN = 50


@require_safe
@for_roles(*STAFF)
def page(request: HttpRequest) -> HttpResponse:
    """How fast alerts were answered in the last `?days=`."""
    reader, now = reader_of(request), timezone.now()
    days = _days(request)
    loops = report.loops_of(reader, now - timedelta(days=days))
    missed = misses(loops, now)
    shown = missed[:MISSES_SHOWN]
    cards = _cards(request, reader, [miss.loop for miss in shown])
    zone = timezone.get_current_timezone()
    context: dict[str, Any] = {
        "days": days,
        "choices": DAYS,
        "number": len(loops),
        "levels": [level for level in levels(loops, now) if level.number],
        "misses": [(miss, cards.get(miss.loop.alert_id)) for miss in shown],
        "left_out": len(missed) - len(shown),
        "plot": report.plot_by_day(loops, zone),
        "by_day": [
            (day, [of_day.get(level) for level in report.DRAWN])
            for day, of_day in reversed(report.by_day(loops, zone))
        ],
        "drawn": [level.label.capitalize() for level in report.DRAWN],
        "now": now,
    }
    return render(request, "alerts/report.html", context)


@require_safe
@for_roles(*STAFF)
def rows(request: HttpRequest) -> HttpResponse:
    """The same alerts, a row each, without a name or a value."""
    reader, now = reader_of(request), timezone.now()
    days = _days(request)
    loops = report.loops_of(reader, now - timedelta(days=days))
    audit.record(
        "alerts.report_exported",
        organization_id=reader.organization_id,
        actor_id=reader.user_id,
        days=days,
        alerts=len(loops),
    )
    name = f"alerts-{timezone.localdate(now):%Y-%m-%d}-{days}-days.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(answer)
    writer.writerow(report.COLUMNS)
    writer.writerows(report.as_rows(loops, now))
    return answer


def _cards(request: HttpRequest, reader: Reader, loops: list[Loop]) -> dict[UUID, Card]:
    """What the missed alerts were about, for who may know it."""
    if not reader.is_clinical or not loops:
        return {}
    alerts = list(
        access.of_watched_patients(Alert.objects.all(), reader)
        .filter(pk__in={loop.alert_id for loop in loops})
        .select_related("patient", "owner", "policy_version", "rule_version")
    )
    note_glance(request, what="alerts", patients=len({alert.patient_id for alert in alerts}))
    return {card.alert.pk: card for card in cards_of(alerts, timezone.now())}


def _days(request: HttpRequest) -> int:
    wanted = request.GET.get("days", "")
    return int(wanted) if wanted in map(str, DAYS) else DAYS[1]
