"""The worklist: who needs me now."""

from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe

from alerts import actions, worklist
from alerts.cards import Card, cards_of
from alerts.errors import AlertError
from alerts.models import Alert, Outcome, Severity
from alerts.worklist import Band
from portal import access
from portal.doors import CLINICAL, for_roles, note_glance, reader_of


@require_safe
@for_roles(*CLINICAL)
def index(request: HttpRequest) -> HttpResponse:
    """Show the reader's alerts; as a fragment, the list alone.

    `?since=` is when the page was shown: what was raised later is counted, not listed, unless it
    is critical. `?show=closed` lists what ended in the last day.
    """
    is_fragment = bool(request.headers.get("HX-Request"))
    context = worklist_of(request, current=_identifier(request.GET.get("current", "")))
    return render(request, f"alerts/{'_list' if is_fragment else 'index'}.html", context)


def worklist_of(request: HttpRequest, *, current: UUID | None) -> dict[str, Any]:
    """What the list needs; `current` is the alert that stands beside it."""
    reader, now = reader_of(request), timezone.now()
    shows_closed = request.GET.get("show") == "closed"
    since = _instant(request.GET.get("since", "")) or now
    if shows_closed:
        listed = worklist.closed_lately(reader, now)
    else:
        listed = worklist.ongoing(reader, now, since=since, current=current)
    cards = cards_of(listed.alerts, now)
    if cards:
        patients = {card.alert.patient_id for card in cards}
        note_glance(request, what="alerts", patients=len(patients))
    return {
        "bands": [] if shows_closed else _bands(cards),
        "closed": cards if shows_closed else [],
        "shows_closed": shows_closed,
        "arriving": listed.arriving,
        "left_out": listed.left_out,
        "waiting": sum(card.waits for card in cards if card.alert.severity != Severity.NOTICE),
        "since": since,
        "now": now,
        "current": current,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*CLINICAL)
def notices(request: HttpRequest) -> HttpResponse:
    """The notices, to close several at once. Whatever is worse is closed one by one."""
    reader, now = reader_of(request), timezone.now()
    alerts = [
        alert for alert in worklist.ongoing(reader, now).alerts if alert.severity == Severity.NOTICE
    ]
    status = 200
    error = ""
    if request.method == "POST":
        chosen = set(request.POST.getlist("alert"))
        ids = [alert.pk for alert in alerts if str(alert.pk) in chosen]
        if ids:
            number = _close_all(request, ids)
            messages.success(request, f"{number} closed as done.")
            return redirect("alerts:notices")
        error, status = "Choose at least one notice.", 422
    note_glance(request, what="notices", patients=len({alert.patient_id for alert in alerts}))
    context = {"cards": cards_of(alerts, now), "error": error, "now": now}
    return render(request, "alerts/notices.html", context, status=status)


def _close_all(request: HttpRequest, ids: list[UUID]) -> int:
    reader = reader_of(request)
    number = 0
    for alert_id in ids:
        try:
            actions.close(alert_id, by=reader, outcome=Outcome.DONE)
        except (AlertError, Alert.DoesNotExist):
            # Somebody else was first, or it is not theirs any more: the list will say so.
            continue
        number += 1
    return number


def _bands(cards: list[Card]) -> list[tuple[Band, list[Card]]]:
    return [(band, list(group)) for band, group in groupby(cards, key=lambda card: card.band)]


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is None or not timezone.is_aware(found):
        return None
    # Years that no zone leads out of the calendar.
    return found if 1900 <= found.year <= 9000 else None


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def alert_or_none(request: HttpRequest, alert_id: UUID) -> Alert | None:
    """An alert of a patient over whom the reader watches."""
    alerts = access.of_watched_patients(Alert.objects.all(), reader_of(request))
    found: Alert | None = (
        alerts.select_related("patient", "owner", "policy_version", "rule_version__rule")
        .filter(pk=alert_id)
        .first()
    )
    return found
