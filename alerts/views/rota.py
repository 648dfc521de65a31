"""The rota, for everybody on staff: who can be called when, and changing it in one's own name."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from alerts import rota_calendar, turns
from alerts.models import Rota, ShiftOverride, ShiftSwap
from alerts.on_call import Roster, roster_of
from alerts.rota import DAY, Duty
from alerts.turns import Turn
from portal import access
from portal.access import Reader
from portal.doors import STAFF, for_roles, reader_of

WEEK, MONTH = 7, 35
FURTHEST = timedelta(days=5 * 366)
# How far ahead empty hours are told of.
AHEAD = timedelta(days=7)
# How far ahead somebody's turns are offered for a swap.
SWAP_WITHIN = timedelta(days=56)
LAST_NOTES = 5


@require_safe
@for_roles(*STAFF)
def index(request: HttpRequest) -> HttpResponse:
    """The first rota; a page that says what to do while there is none."""
    first = _rotas(reader_of(request)).first()
    if first is not None:
        return redirect("alerts:rota_calendar", first.pk)
    return render(request, "alerts/rota_none.html")


@require_safe
@for_roles(*STAFF)
def calendar(request: HttpRequest, rota_id: UUID) -> HttpResponse:
    """A week (`?from=` any of its dates) or five (`?show=month`); as a fragment, the days alone."""
    context = calendar_of(request, rota_or_404(request, rota_id))
    fragment = request.headers.get("HX-Request")
    return render(request, f"alerts/{'_' if fragment else ''}rota.html", context)


@require_safe
@for_roles(*STAFF)
def turn(request: HttpRequest, rota_id: UUID, series: UUID, begins_on: date) -> HttpResponse:
    """One turn: who has it, and what the reader can do about it."""
    rota = rota_or_404(request, rota_id)
    return render(request, "alerts/rota_turn.html", turn_of(request, rota, Turn(series, begins_on)))


def calendar_of(request: HttpRequest, rota: Rota) -> dict[str, Any]:
    """What the page of a rota shows."""
    reader, now = reader_of(request), timezone.now()
    roster = roster_of(rota)
    today = now.astimezone(rota.zone).date()
    first = _monday(request.GET.get("from", ""), today)
    number = MONTH if request.GET.get("show") == "month" else WEEK
    return {
        "rota": rota,
        "rotas": _rotas(reader),
        "days": rota_calendar.days(roster, first, number, now=now, reader_id=reader.user_id),
        "shows": "month" if number == MONTH else "week",
        "first": first,
        "last": first + DAY * (number - 1),
        "earlier": first - DAY * number,
        "later": first + DAY * number,
        "now": now,
        "on_call": [
            rota_calendar.entry(
                duty,
                roster,
                rota_calendar.names_of([duty.user]),
                now=now,
                reader_id=reader.user_id,
            )
            for duty in roster.duties(now, now + timedelta(microseconds=1))
            if duty.user in roster.able
        ],
        "gaps": roster.gaps(now, now + AHEAD),
        "questions": [
            question
            for swap in _open_swaps(rota, reader)
            if (question := rota_calendar.question_of(swap, roster, reader_id=reader.user_id))
        ],
        "handovers": rota.handovers.select_related("by")[:LAST_NOTES],
    }


def turn_of(request: HttpRequest, rota: Rota, which: Turn) -> dict[str, Any]:
    """What the page of a turn shows, or 404."""
    reader, now = reader_of(request), timezone.now()
    roster = roster_of(rota)
    pieces, over = _pieces_or_404(roster, which)
    names = rota_calendar.names_of(piece.user for piece in pieces)
    entries = [
        rota_calendar.entry(piece, roster, names, now=now, reader_id=reader.user_id)
        for piece in pieces
    ]
    mine = ShiftOverride.objects.standing().filter(
        pk__in=[piece.override for piece in pieces if piece.override]
    )
    if not reader.is_admin:
        mine = mine.filter(by_id=reader.user_id) | mine.filter(user_id=reader.user_id)
    is_whole = len(pieces) == 1 and pieces[0].start > now
    # Who can be relieved: each who has a part of it, and nobody where nobody does.
    others = {
        piece.user if piece.user in roster.able else None: entry.name if not entry.is_empty else ""
        for piece, entry in zip(pieces, entries, strict=True)
        if piece.user != reader.user_id
    }
    can_swap = reader.is_clinical and is_whole and not entries[0].is_mine
    return {
        "rota": rota,
        "which": which,
        "entries": entries,
        "is_over": over,
        "is_mine": any(each.is_mine for each in entries),
        "others": [] if over or not reader.is_clinical else list(others.items()),
        "own": rota_calendar.upcoming(roster, reader.user_id, now, within=SWAP_WITHIN)
        if can_swap and not entries[0].is_empty
        else [],
        "overrides": [] if over else list(mine.order_by("made_at")),
        "now": now,
    }


def _pieces_or_404(roster: Roster, which: Turn) -> tuple[list[Duty], bool]:
    """A turn, by who has it, and whether it is over."""
    is_over = False
    try:
        pieces = turns.pieces(roster, which)
    except turns.TurnIsOver:
        pieces, is_over = turns.pieces(roster, which, to_come=False), True
    except turns.NoSuchTurn:
        raise Http404 from None
    if not pieces:
        raise Http404
    return pieces, is_over


def _open_swaps(rota: Rota, reader: Reader) -> list[ShiftSwap]:
    asked = rota.swaps.filter(ended_at=None, overrides=None).select_related("asked_by", "asked_of")
    mine = asked.filter(asked_by_id=reader.user_id) | asked.filter(asked_of_id=reader.user_id)
    return list(mine.filter(takes_on__gte=timezone.localdate() - DAY))


def _rotas(reader: Reader) -> Any:
    return access.of_organization(Rota.objects.all(), reader)


def rota_or_404(request: HttpRequest, rota_id: UUID) -> Rota:
    """A rota of the reader's organization, or 404."""
    rota: Rota | None = _rotas(reader_of(request)).filter(pk=rota_id).first()
    if rota is None:
        raise Http404
    return rota


def date_in(text: str) -> date | None:
    """The date that somebody typed as 2026-11-21, if it is one."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def _monday(asked: str, today: date) -> date:
    day = date_in(asked) or today
    # A calendar of the years in which somebody may look; zones know no others.
    if abs(day - today) > FURTHEST:
        day = today
    return day - DAY * day.weekday()
