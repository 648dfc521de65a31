"""Two people have each other's turn: asked by one, agreed to by the other."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alerts.models import ShiftOverride, ShiftSwap
from alerts.turns import AlreadyYours, SomebodyElseHasIt, SwapIsOver, Turn, opened, whole
from portal import access, audit
from portal.access import Reader
from portal.actions.errors import Refused


@transaction.atomic
def ask_swap(rota_id: UUID, *, gives: Turn, takes: Turn, by: Reader) -> ShiftSwap:
    """Ask whoever has the turn `takes` to have `gives` instead.

    Both have to be whole and not begun. Raises as `take_turn`, and NotYourTurn.
    """
    rota, roster = opened(rota_id, by)
    whole(roster, gives, by.user_id)
    other = whole(roster, takes, None)
    if other == by.user_id:
        raise AlreadyYours
    if other is None:
        raise SomebodyElseHasIt
    swap = ShiftSwap.objects.create(
        organization_id=by.organization_id,
        rota=rota,
        asked_by_id=by.user_id,
        asked_of_id=other,
        gives_series=gives.series,
        gives_on=gives.begins_on,
        takes_series=takes.series,
        takes_on=takes.begins_on,
    )
    audit.record(
        "swap.asked", organization_id=by.organization_id, actor_id=by.user_id, subject=swap
    )
    return swap


@transaction.atomic
def agree_swap(swap_id: UUID, *, by: Reader) -> ShiftSwap:
    """Agree to a swap that the reader was asked for: each has the other's turn.

    Raises ShiftSwap.DoesNotExist, and SwapIsOver when it ended or a turn is another's by now.
    """
    swap = access.of_organization(ShiftSwap.objects.all(), by).get(
        pk=swap_id, asked_of_id=by.user_id
    )
    rota, roster = opened(swap.rota_id, by)
    swap.refresh_from_db()
    if swap.ended_at or swap.overrides.exists():
        raise SwapIsOver
    gives, takes = Turn(swap.gives_series, swap.gives_on), Turn(swap.takes_series, swap.takes_on)
    try:
        whole(roster, gives, swap.asked_by_id)
        whole(roster, takes, by.user_id)
    except Refused:
        raise SwapIsOver from None
    for which, user, replaces in (
        (takes, swap.asked_by_id, by.user_id),
        (gives, by.user_id, swap.asked_by_id),
    ):
        ShiftOverride.objects.create(
            organization_id=by.organization_id,
            rota=rota,
            user_id=user,
            replaces_id=replaces,
            series=which.series,
            begins_on=which.begins_on,
            swap=swap,
            by_id=by.user_id,
        )
    audit.record(
        "swap.agreed", organization_id=by.organization_id, actor_id=by.user_id, subject=swap
    )
    return swap


@transaction.atomic
def end_swap(swap_id: UUID, *, by: Reader) -> ShiftSwap:
    """Decline a swap or take the question back, as one of its two or an administrator.

    Raises ShiftSwap.DoesNotExist, and SwapIsOver when it was agreed to or has ended.
    """
    asked = access.of_organization(ShiftSwap.objects.all(), by)
    swap = asked.get(pk=swap_id)
    if by.user_id not in (swap.asked_by_id, swap.asked_of_id) and not by.is_admin:
        raise ShiftSwap.DoesNotExist
    opened(swap.rota_id, by, calls=False)
    swap.refresh_from_db()
    if swap.ended_at or swap.overrides.exists():
        raise SwapIsOver
    swap.ended_at = timezone.now()
    swap.save(update_fields=["ended_at"])
    audit.record(
        "swap.ended", organization_id=by.organization_id, actor_id=by.user_id, subject=swap
    )
    return swap
