"""Taking a turn, stepping down, swapping: in one's own name, by both walls."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from alerts import rota_actions, swap_actions, turns
from alerts.models import Rota, Shift, ShiftOverride, ShiftSwap
from alerts.on_call import on_call_now, roster_of
from portal.models import Membership, User

pytestmark = pytest.mark.usefixtures("db")
ZONE = ZoneInfo("America/New_York")


@pytest.fixture
def rota(clinic, system):
    with system():
        return Rota.objects.create(organization=clinic, name="Nights", time_zone=ZONE.key)


@pytest.fixture
def shift_of(rota, system):
    """`shift_of(ada, 2)`: Ada is on call for the day that begins at noon two days from now."""

    def shift_of(person, away, **more):
        day = timezone.localtime(timezone=ZONE).date() + timedelta(days=away)
        user = person.user if person else None
        with system():
            shift = Shift.objects.create(
                organization=rota.organization,
                rota=rota,
                user=user,
                weekday=day.weekday(),
                starts=time(12),
                ends=time(12),
                from_on=day - timedelta(days=28),
                **more,
            )
        return turns.Turn(shift.series, day)

    return shift_of


@pytest.fixture
def called(rota, system):
    """`called(turn)`: who is on call while the turn lasts."""

    def called(turn):
        with system():
            roster = roster_of(rota)
            pieces = turns.pieces(roster, turn)
            return on_call_now(rota.pk, max(pieces[0].start, timezone.now()))

    return called


def test_whoever_takes_a_turn_is_called(rota, shift_of, called, acting, ada, boris):
    turn = shift_of(ada, 2)
    with acting(boris):
        rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=boris.reader)
    assert called(turn) == [boris.user.pk]


def test_the_second_of_two_takers_is_told(rota, shift_of, called, acting, ada, boris, noor):
    turn = shift_of(ada, 2)
    with acting(boris):
        rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=boris.reader)
    with acting(noor), pytest.raises(turns.SomebodyElseHasIt):
        rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=noor.reader)
    assert called(turn) == [boris.user.pk]


def test_an_empty_turn_can_be_taken(rota, shift_of, called, acting, noor):
    turn = shift_of(None, 2)
    assert called(turn) == []
    with acting(noor):
        rota_actions.take_turn(rota.pk, turn, instead_of=None, by=noor.reader)
    assert called(turn) == [noor.user.pk]


def test_of_a_turn_that_has_begun_the_rest_is_taken(rota, shift_of, acting, system, ada, boris):
    turn = shift_of(ada, -1, days=3)
    with acting(boris):
        taken = rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=boris.reader)
    assert taken[0].starts_at <= timezone.now() < taken[0].ends_at
    with system():
        roster = roster_of(rota)
        assert roster.on_call(timezone.now()) == [boris.user.pk]
        assert roster.on_call(taken[0].starts_at - timedelta(minutes=1)) == [ada.user.pk]


def test_who_cannot_do_a_turn_leaves_it_empty(rota, shift_of, called, acting, ada):
    turn = shift_of(ada, 2)
    with acting(ada):
        rota_actions.step_down(rota.pk, turn, by=ada.reader)
    assert called(turn) == []


def test_nobody_steps_down_for_another(rota, shift_of, acting, ada, boris):
    turn = shift_of(ada, 2)
    with acting(boris), pytest.raises(turns.NotYourTurn):
        rota_actions.step_down(rota.pk, turn, by=boris.reader)


def test_who_has_left_is_nobody(rota, shift_of, called, system, ada):
    turn = shift_of(ada, 2)
    assert called(turn) == [ada.user.pk]
    with system():
        Membership.objects.filter(user=ada.user).update(ended_at=timezone.now())
    assert called(turn) == []


def test_who_may_not_sign_in_is_nobody(rota, shift_of, called, system, ada):
    turn = shift_of(ada, 2)
    with system():
        User.objects.filter(pk=ada.user.pk).update(is_active=False)
    assert called(turn) == []


def test_an_administrator_is_not_called(rota, shift_of, acting, admin):
    turn = shift_of(None, 2)
    with acting(admin), pytest.raises(turns.NotOnCall):
        rota_actions.take_turn(rota.pk, turn, instead_of=None, by=admin.reader)


def test_another_clinics_rota_is_not_there(rota, shift_of, acting, ada, olga):
    turn = shift_of(ada, 2)
    with acting(olga), pytest.raises(Rota.DoesNotExist):
        rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=olga.reader)


# Swaps ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(rota, shift_of, acting, ada, boris):
    """Ada asks Boris to have her turn, and she his."""
    hers, his = shift_of(ada, 2), shift_of(boris, 3)
    with acting(ada):
        swap = swap_actions.ask_swap(rota.pk, gives=hers, takes=his, by=ada.reader)
    return swap, hers, his


def test_a_question_changes_nothing(asked, called, ada, boris):
    _, hers, his = asked
    assert (called(hers), called(his)) == ([ada.user.pk], [boris.user.pk])


def test_an_agreed_swap_holds_for_both(asked, called, acting, ada, boris):
    swap, hers, his = asked
    with acting(boris):
        swap_actions.agree_swap(swap.pk, by=boris.reader)
    assert (called(hers), called(his)) == ([boris.user.pk], [ada.user.pk])


def test_only_who_was_asked_can_agree(asked, acting, ada, noor):
    swap, *_ = asked
    for other in (ada, noor):
        with acting(other), pytest.raises(ShiftSwap.DoesNotExist):
            swap_actions.agree_swap(swap.pk, by=other.reader)


def test_a_swap_is_answered_once(asked, acting, boris):
    swap, *_ = asked
    with acting(boris):
        swap_actions.end_swap(swap.pk, by=boris.reader)
        with pytest.raises(turns.SwapIsOver):
            swap_actions.agree_swap(swap.pk, by=boris.reader)


def test_nothing_is_agreed_about_a_turn_that_changed_hands(
    rota, asked, called, acting, ada, boris, noor
):
    swap, hers, his = asked
    with acting(noor):
        rota_actions.take_turn(rota.pk, hers, instead_of=ada.user.pk, by=noor.reader)
    with acting(boris), pytest.raises(turns.SwapIsOver):
        swap_actions.agree_swap(swap.pk, by=boris.reader)
    assert (called(hers), called(his)) == ([noor.user.pk], [boris.user.pk])


def test_either_undoes_a_swap_for_both(asked, called, acting, ada, boris):
    swap, hers, his = asked
    with acting(boris):
        swap_actions.agree_swap(swap.pk, by=boris.reader)
    with acting(ada):
        half = ShiftOverride.objects.get(swap=swap, user=ada.user)
        rota_actions.withdraw(half.pk, by=ada.reader)
    assert (called(hers), called(his)) == ([ada.user.pk], [boris.user.pk])


def test_a_swap_follows_an_edited_pattern(asked, called, acting, system, ada, boris):
    swap, hers, his = asked
    with acting(boris):
        swap_actions.agree_swap(swap.pk, by=boris.reader)
    with system():
        shift = Shift.objects.get(series=hers.series)
        today = timezone.localtime(timezone=ZONE).date()
        later = rota_actions.change_shift(shift, {"starts": time(14)}, today=today)
        shift.refresh_from_db()
    assert later.series == shift.series
    assert shift.until_on < hers.begins_on
    assert (called(hers), called(his)) == ([boris.user.pk], [ada.user.pk])


def test_what_was_taken_on_is_not_given_back(rota, shift_of, called, acting, ada, boris, noor):
    turn = shift_of(ada, 2)
    with acting(boris):
        (first,) = rota_actions.take_turn(rota.pk, turn, instead_of=ada.user.pk, by=boris.reader)
    with acting(noor):
        rota_actions.take_turn(rota.pk, turn, instead_of=boris.user.pk, by=noor.reader)
    with acting(boris), pytest.raises(turns.SomebodyElseHasIt):
        rota_actions.withdraw(first.pk, by=boris.reader)
    assert called(turn) == [noor.user.pk]


# Row-level security alone -----------------------------------------------------------------------


def forged(rota, by, **more):
    with transaction.atomic():
        return ShiftOverride.objects.create(
            organization=rota.organization, rota=rota, by=by, **more
        )


def test_the_database_takes_no_override_in_anothers_name(rota, shift_of, acting, ada, boris, noor):
    turn = shift_of(ada, 2)
    of_turn = {"series": turn.series, "begins_on": turn.begins_on}
    with acting(boris):
        for more in (
            {"user": noor.user, "replaces": ada.user, "by": boris.user},
            {"user": boris.user, "replaces": ada.user, "by": noor.user},
            {"user": None, "replaces": ada.user, "by": boris.user},
        ):
            with pytest.raises(ProgrammingError, match="row-level security"):
                forged(rota, **more, **of_turn)
        forged(rota, user=boris.user, replaces=ada.user, by=boris.user, **of_turn)


def test_the_database_knows_which_turn_was_agreed(asked, rota, acting, ada, boris, shift_of):
    swap, _, his = asked
    other = shift_of(boris, 4)
    half = {"user": ada.user, "replaces": boris.user, "by": boris.user, "swap": swap}
    with acting(boris):
        with pytest.raises(ProgrammingError, match="row-level security"):
            forged(rota, series=other.series, begins_on=other.begins_on, **half)
        forged(rota, series=his.series, begins_on=his.begins_on, **half)


def test_patients_and_strangers_read_no_rota(rota, shift_of, acting, ada, ana, sam, olga, noor):
    shift_of(ada, 2)
    for person, number in ((ana, 0), (sam, 0), (olga, 0), (noor, 1)):
        with acting(person):
            assert Rota.objects.count() == Shift.objects.count() == number


def test_the_database_lets_no_clinician_write_a_pattern(rota, shift_of, acting, ada):
    shift_of(ada, 2)
    with acting(ada):
        assert Shift.objects.update(user=None) == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Rota.objects.create(organization=rota.organization, name="Mine", time_zone="UTC")
