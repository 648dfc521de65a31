"""Writing rotas: taking a turn, stepping down, handing over; and changing a pattern."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alerts.models import Handover, Rota, Shift, ShiftOverride, ShiftSwap
from alerts.rota import DAY, Duty
from alerts.turns import (
    AlreadyYours,
    NotYours,
    NotYourTurn,
    SomebodyElseHasIt,
    Turn,
    TurnIsOver,
    begins_at,
    holder,
    opened,
    pieces,
)
from portal import access, audit
from portal.access import Reader

MOMENT = timedelta(microseconds=1)


@transaction.atomic
def take_turn(
    rota_id: UUID, which: Turn, *, instead_of: UUID | None, by: Reader
) -> list[ShiftOverride]:
    """Take what is still to come of a turn that `instead_of` (None: nobody) has.

    Raises Rota.DoesNotExist, NotOnCall, NoSuchTurn, TurnIsOver, AlreadyYours, and
    SomebodyElseHasIt when the turn changed hands meanwhile.
    """
    rota, roster = opened(rota_id, by)
    left_of_it = pieces(roster, which)
    holders = {holder(roster, piece) for piece in left_of_it}
    if holders == {by.user_id}:
        raise AlreadyYours
    if instead_of not in holders:
        raise SomebodyElseHasIt
    taken = [
        _override(rota, which, piece, left_of_it, user=by.user_id, by=by)
        for piece in left_of_it
        if holder(roster, piece) == instead_of
    ]
    _record("shift.taken", rota, which, by)
    return taken


@transaction.atomic
def step_down(rota_id: UUID, which: Turn, *, by: Reader) -> list[ShiftOverride]:
    """Say that the reader cannot do their turn: it is empty until somebody takes it.

    Better an open gap, which falls to whoever is told next at once, than a call to somebody ill.
    Raises as `take_turn`, and NotYourTurn.
    """
    rota, roster = opened(rota_id, by)
    left_of_it = pieces(roster, which)
    mine = [piece for piece in left_of_it if piece.user == by.user_id]
    if not mine:
        raise NotYourTurn
    left = [_override(rota, which, piece, left_of_it, user=None, by=by) for piece in mine]
    _record("shift.left", rota, which, by)
    return left


@transaction.atomic
def withdraw(override_id: UUID, *, by: Reader) -> ShiftOverride:
    """Undo an override, with the other half if it is a swap's, before it has begun; once.

    Of an override that is one's own; an administrator's reach is the clinic's. Raises
    ShiftOverride.DoesNotExist, NotYours, TurnIsOver, and SomebodyElseHasIt when it was taken on.
    """
    override = access.of_organization(ShiftOverride.objects.all(), by).get(pk=override_id)
    if not by.is_admin and by.user_id not in (override.user_id, override.by_id):
        raise NotYours
    rota, roster = opened(override.rota_id, by, calls=False)
    override.refresh_from_db()
    if override.withdrawn_at:
        return override
    halves = (
        ShiftOverride.objects.standing().filter(swap_id=override.swap_id)
        if override.swap_id
        else ShiftOverride.objects.standing().filter(pk=override.pk)
    )
    now = timezone.now()
    for half in halves:
        begins = begins_at(roster, half)
        if begins is None or by.is_admin:
            continue
        if begins <= now:
            raise TurnIsOver
        # Whoever took it from them would lose it without a word.
        if half.pk not in {duty.override for duty in roster.duties(begins, begins + MOMENT)}:
            raise SomebodyElseHasIt
    halves.update(withdrawn_at=now)
    if override.swap_id:
        ShiftSwap.objects.filter(pk=override.swap_id).update(ended_at=now)
    audit.record(
        "shift.withdrawn",
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=override,
        rota_id=str(rota.pk),
    )
    return override


@transaction.atomic
def leave_note(rota_id: UUID, note: str, *, by: Reader) -> Handover:
    """Leave words for whoever is on call next. Raises Rota.DoesNotExist."""
    rota = access.of_organization(Rota.objects.all(), by).get(pk=rota_id)
    handover = Handover.objects.create(
        organization_id=by.organization_id, rota=rota, by_id=by.user_id, note=note.strip()
    )
    audit.record(
        "handover.left", organization_id=by.organization_id, actor_id=by.user_id, subject=handover
    )
    return handover


def change_shift(shift: Shift, changes: Mapping[str, Any], *, today: date) -> Shift:
    """Change a pattern from today on; what was before stays as it was. Returns the row from now.

    For an administrator; the caller puts it on record. The new row is of the same series, so that
    what was agreed about a date goes on holding, and begins in a week in which the old one did.
    """
    if shift.from_on >= today:
        for name, value in changes.items():
            setattr(shift, name, value)
        shift.save(update_fields=list(changes))
        return shift
    days = (today + DAY * number for number in range(7 * shift.every))
    following = next((day for day in days if shift.pattern.begins_on(day)), today)
    later = Shift(
        **{
            field.attname: getattr(shift, field.attname)
            for field in Shift._meta.concrete_fields
            if field.name not in ("id", "from_on")
        },
        from_on=max(today, following - DAY * following.weekday()),
    )
    for name, value in changes.items():
        setattr(later, name, value)
    shift.until_on = later.from_on - DAY
    shift.save(update_fields=["until_on"])
    later.save(force_insert=True)
    return later


def _override(
    rota: Rota,
    which: Turn,
    piece: Duty,
    of: list[Duty],
    *,
    user: UUID | None,
    by: Reader,
) -> ShiftOverride:
    """Give a piece to `user`: the turn by its name if that says it all, else the span that is left.

    A piece that nobody has is given by adding a person to that time.
    """
    now = timezone.now()
    override = ShiftOverride(
        organization_id=by.organization_id,
        rota=rota,
        user_id=user,
        replaces_id=piece.user,
        by_id=by.user_id,
    )
    if len(of) == 1 and piece.start > now:
        override.series, override.begins_on = which.series, which.begins_on
    else:
        override.starts_at, override.ends_at = max(piece.start, now), piece.end
    override.save(force_insert=True)
    return override


def _record(action: str, rota: Rota, which: Turn, by: Reader) -> None:
    audit.record(
        action,
        organization_id=by.organization_id,
        actor_id=by.user_id,
        subject=rota,
        series=str(which.series),
        begins_on=which.begins_on.isoformat(),
    )
