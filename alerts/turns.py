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
from alerts.rota import Duty, turn
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


def pieces(roster: Roster, which: Turn) -> list[Duty]:
    """What is still to come of a turn, by who has it."""
    now = timezone.now()
    for pattern in roster.patterns:
        if pattern.series == which.series and pattern.begins_on(which.begins_on):
            began, ended = turn(pattern, which.begins_on, roster.zone)
            break
    else:
        raise NoSuchTurn
    if ended <= now:
        raise TurnIsOver
    return [
        each
        for each in roster.duties(max(began, now), ended)
        if each.pattern is not None
        and (each.pattern.series, each.begins_on) == (which.series, which.begins_on)
        and each.end > now
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
    if override.starts_at is not None:
        return override.starts_at
    for pattern in roster.patterns:
        day = override.begins_on
        if pattern.series == override.series and day is not None and pattern.begins_on(day):
            return turn(pattern, day, roster.zone)[0]
    return None
