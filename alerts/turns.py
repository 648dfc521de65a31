"""One turn of a rota, looked at by whoever wants to write about it, and why that is refused.

Refused
├── NoSuchTurn            the pattern has no turn on that date
├── TurnIsOver            it has ended, or begun where that matters
├── SomebodyElseHasIt     it changed hands since the page was shown
├── NotYourTurn           it is not the reader's to give away
├── AlreadyYours          the reader has it
├── NotOnCall             an administrator is nobody to be called
├── SwapIsOver            answered, taken back, or about turns that have changed
└── NotYours              an override that somebody else made
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from alerts.models import Rota, ShiftOverride
from alerts.on_call import Roster, roster_of
from alerts.rota import Duty, Pattern, turn
from portal import access
from portal.access import Reader
from portal.actions.errors import Refused


class NoSuchTurn(Refused):
    words = "This shift is no longer on the rota."


class TurnIsOver(Refused):
    words = "This shift is over."


class SomebodyElseHasIt(Refused):
    words = "Somebody else has this shift now. Look again before you take it."


class NotYourTurn(Refused):
    words = "This is not your shift."


class AlreadyYours(Refused):
    words = "You have this shift already."


class NotOnCall(Refused):
    words = "Only nurses and clinicians can be on call."


class SwapIsOver(Refused):
    words = "This swap was answered already, or its shifts have changed."


class NotYours(Refused):
    words = "Only whoever has this shift, or an administrator, can do that."


@dataclass(frozen=True)
class Turn:
    """One occurrence of a shift, as a page names it."""

    series: UUID
    begins_on: date


def opened(rota_id: UUID, by: Reader, *, calls: bool = True) -> tuple[Rota, Roster]:
    """The rota, with nobody else writing to it until this transaction ends."""
    rota = access.of_organization(Rota.objects.all(), by).get(pk=rota_id)
    if calls and not by.is_clinical:
        raise NotOnCall
    with connection.cursor() as cursor:
        # A row lock would need the right to change the rota itself.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('rota'), hashtext(%s))", [str(rota_id)]
        )
    return rota, roster_of(rota)


def hours(roster: Roster, which: Turn) -> tuple[Pattern, datetime, datetime]:
    """The pattern of a turn, and from when to when it lasts. Raises NoSuchTurn."""
    for pattern in roster.patterns:
        if pattern.series == which.series and pattern.begins_on(which.begins_on):
            return pattern, *turn(pattern, which.begins_on, roster.zone)
    raise NoSuchTurn


def pieces(roster: Roster, which: Turn, *, to_come: bool = True) -> list[Duty]:
    """What is still to come of a turn, or all of it, by who has it.

    Raises NoSuchTurn, and TurnIsOver when nothing is to come.
    """
    now = timezone.now()
    _, began, ended = hours(roster, which)
    if to_come and ended <= now:
        raise TurnIsOver
    return [
        each
        for each in roster.duties(max(began, now) if to_come else began, ended)
        if each.pattern is not None
        and (each.pattern.series, each.begins_on) == (which.series, which.begins_on)
    ]


def whole(roster: Roster, which: Turn, whose: UUID | None) -> UUID | None:
    """Who has a turn that is in one piece and has not begun.

    Raises TurnIsOver when it is not so, and NotYourTurn when it is not `whose` who has it.
    """
    found = pieces(roster, which)
    if len(found) != 1 or found[0].start <= timezone.now():
        raise TurnIsOver
    if whose is not None and found[0].user != whose:
        raise NotYourTurn
    return holder(roster, found[0])


def holder(roster: Roster, piece: Duty) -> UUID | None:
    """Who answers: somebody who has left is nobody."""
    return piece.user if piece.user in roster.able else None


def begins_at(roster: Roster, override: ShiftOverride) -> datetime | None:
    """When what an override is about begins; None when its turn is no more."""
    if override.series is None or override.begins_on is None:
        return override.starts_at
    try:
        return hours(roster, Turn(override.series, override.begins_on))[1]
    except NoSuchTurn:
        return None
