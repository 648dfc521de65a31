"""The clinic's day: arrivals, delays, who is on it, blocked time, a day moved as a whole."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments import actions
from appointments.errors import (
    AlreadyClaimed,
    DayDoesNotFit,
    NotForYou,
    ReasonMissing,
    SlotTaken,
    VisitIsOver,
)
from appointments.models import Appointment, Change, Claim, Reminder, Room, Status, TimeBlock
from notifications.actions import unread
from portal.models import CareTeamMembership, Provider


@pytest.fixture
def soon(diary, cast):
    return diary.by_staff(cast.noor, timezone.now() + timedelta(minutes=5), kind="Wound check")


def test_the_day_goes_its_way_and_every_step_is_kept(diary, cast, soon, acting):
    diary.do(cast.ana, actions.confirm_visit, soon.pk)
    diary.do(cast.noor, actions.record_arrival, soon.pk)
    diary.do(cast.noor, actions.record_arrival, soon.pk)
    done = diary.do(cast.ada, actions.record_done, soon.pk)
    assert done.status == Status.DONE
    assert done.arrived_at <= done.done_at
    with acting(cast.ada):
        kinds = Change.objects.filter(appointment=soon).values_list("kind", flat=True)
        assert list(kinds) == ["booked", "confirmed", "arrived", "done"]


def test_who_did_not_come_is_noted_once_it_should_have_begun(diary, cast, soon):
    with pytest.raises(VisitIsOver):
        diary.do(cast.noor, actions.record_no_show, soon.pk)
    begun = diary.by_staff(
        cast.noor,
        timezone.now() - timedelta(minutes=10),
        ends_at=timezone.now(),
        provider=cast.noor.provider,
    )
    assert diary.do(cast.noor, actions.record_no_show, begun.pk).status == Status.NO_SHOW
    with pytest.raises(VisitIsOver):
        diary.do(cast.noor, actions.move_visit, begun.pk, starts_at=diary.at("10:00"))
    # They came after all.
    assert diary.do(cast.noor, actions.record_arrival, begun.pk).status == Status.ARRIVED


def test_what_was_called_off_is_booked_again_while_its_time_is_free(diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.do(cast.noor, actions.cancel_visit, visit.pk, reason="Mistake")
    again = diary.do(cast.noor, actions.reopen_visit, visit.pk)
    assert (again.status, again.cancel_reason, again.sequence) == (Status.BOOKED, "", 2)

    diary.do(cast.noor, actions.cancel_visit, visit.pk)
    diary.booked(cast.ana, diary.at("10:00"))
    with pytest.raises(SlotTaken):
        diary.do(cast.noor, actions.reopen_visit, visit.pk)


def test_a_delay_is_told_to_the_patient_and_moves_nothing(diary, cast, soon, acting):
    with acting(cast.ana):
        before = unread(cast.ana.reader)
    late = diary.do(cast.noor, actions.say_late, soon.pk, minutes=20)
    diary.do(cast.noor, actions.say_late, soon.pk, minutes=20)
    assert (late.late_minutes, late.starts_at, late.sequence) == (20, soon.starts_at, 0)
    with acting(cast.ana):
        assert unread(cast.ana.reader) == before + 1


def test_two_colleagues_do_not_call_the_same_patient(diary, cast, soon):
    diary.do(cast.noor, actions.claim_visit, soon.pk)
    with pytest.raises(AlreadyClaimed) as claimed:
        diary.do(cast.ada, actions.claim_visit, soon.pk)
    assert str(claimed.value) == "Noor Haddad is on this."
    diary.do(cast.noor, actions.let_go, soon.pk)
    assert diary.do(cast.ada, actions.claim_visit, soon.pk).by_id == cast.ada.user.pk


@pytest.mark.parametrize("action", ["move_visit", "cancel_visit", "reopen_visit", "record_no_show"])
def test_colleagues_leave_a_claimed_visit_alone(diary, cast, soon, action):
    diary.do(cast.noor, actions.claim_visit, soon.pk)
    with pytest.raises(AlreadyClaimed):
        diary.do(cast.ada, getattr(actions, action), soon.pk)
    diary.do(cast.noor, actions.move_visit, soon.pk, starts_at=diary.at("10:00"))


def test_its_patient_may_call_off_a_claimed_visit(diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.do(cast.noor, actions.claim_visit, visit.pk)
    assert diary.do(cast.ana, actions.cancel_visit, visit.pk).status == Status.CANCELLED


def test_another_room_is_another_place(diary, cast, system):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with system():
        other = Room.objects.create(organization=cast.clinic, name="Room 7")
    moved = diary.do(cast.noor, actions.move_visit, visit.pk, room_id=other.pk)
    assert (moved.room_id, moved.place) == (other.pk, "Room 7")
    moved = diary.do(cast.noor, actions.move_visit, visit.pk, starts_at=diary.at("11:00"))
    assert (moved.room_id, moved.place) == (other.pk, "Room 7")
    moved = diary.do(cast.noor, actions.move_visit, visit.pk, room_id=None)
    assert (moved.room_id, moved.place) == (None, "")


def test_a_forgotten_claim_runs_out(diary, cast, soon, system):
    claim = diary.do(cast.noor, actions.claim_visit, soon.pk)
    diary.change(claim, until_at=timezone.now())
    diary.do(cast.ada, actions.claim_visit, soon.pk)
    with system():
        assert Claim.objects.get().by_id == cast.ada.user.pk


@pytest.mark.parametrize("who", ["ana", "sam", "ben", "boris", "olga", "admin"])
@pytest.mark.parametrize(
    "action", ["record_arrival", "record_done", "record_no_show", "reopen_visit", "claim_visit"]
)
def test_the_day_is_the_care_teams(diary, cast, soon, who, action):
    with pytest.raises(Appointment.DoesNotExist):
        diary.do(getattr(cast, who), getattr(actions, action), soon.pk)


def block(diary, who, **changes):
    return diary.do(
        who,
        actions.block_time,
        **{"provider_id": diary.cast.ada.provider.pk, "reason": "Theatre"}
        | {"starts_at": diary.at("10:00"), "ends_at": diary.at("12:00")}
        | changes,
    )


def test_blocked_time_is_not_offered_until_it_is_given_back(diary, cast):
    visit = diary.booked(cast.ana, diary.at("11:00"))
    made = block(diary, cast.noor)
    with diary.as_(cast.ana):
        assert Appointment.objects.get().starts_at == visit.starts_at  # what is booked stays
    assert not {"10:00", "10:30", "11:00", "11:30"} & set(diary.free(cast.noor))
    with pytest.raises(SlotTaken):
        diary.held(cast.noor, diary.at("10:00"))
    diary.do(cast.ada, actions.unblock_time, made.pk)
    diary.do(cast.ada, actions.unblock_time, made.pk)
    assert {"10:00", "10:30", "11:30"} <= set(diary.free(cast.noor))


def test_a_room_out_of_order_is_out_of_order_for_all(diary, cast):
    block(diary, cast.noor, provider_id=None, room_id=diary.room.pk)
    assert "10:00" not in diary.free(cast.noor)
    assert "10:00" in diary.free(cast.noor, provider=cast.noor.provider)


def test_blocking_needs_a_reason_and_somebody_of_the_clinic(diary, cast):
    with pytest.raises(ReasonMissing):
        block(diary, cast.noor, reason=" ")
    with pytest.raises(NotForYou):
        block(diary, cast.ana)
    with pytest.raises(Provider.DoesNotExist):
        block(diary, cast.olga)
    made = block(diary, cast.noor)
    with pytest.raises(TimeBlock.DoesNotExist):
        diary.do(cast.olga, actions.unblock_time, made.pk)


# A whole day ------------------------------------------------------------------------------------


@pytest.fixture
def adas_day(diary, cast, system):
    """Ana at ten, and Ben, whom Noor does not look after, at half past ten."""
    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    ana = diary.booked(cast.ana, diary.at("10:00"))
    ben = diary.booked(cast.ben, diary.at("10:30"), cast.ben.patient)
    return ana, ben


def moved(diary, who, days, **changes):
    on = timezone.localdate(diary.at("10:00"), diary.zone)
    return diary.do(
        who,
        actions.move_day,
        diary.cast.ada.provider.pk,
        **{"on": on, "to": on + timedelta(days=days), "reason": "Dr Lee is ill"} | changes,
    )


def starts(system):
    with system():
        return list(Appointment.objects.order_by("starts_at").values_list("starts_at", flat=True))


def test_a_day_moves_with_everybody_and_everybody_is_told(diary, cast, adas_day, system, acting):
    with acting(cast.ben):
        before = unread(cast.ben.reader)
    assert moved(diary, cast.noor, 3) == 2
    assert starts(system) == [diary.at("10:00", days=10), diary.at("10:30", days=10)]
    for person in (cast.ana, cast.sam, cast.ben):
        with acting(person):
            assert unread(person.reader) >= 1
    with acting(cast.ben):
        assert unread(cast.ben.reader) == before + 1
    with system():
        assert set(Change.objects.filter(kind="moved").values_list("reason", "by_id")) == {
            ("Dr Lee is ill", cast.noor.user.pk)
        }
        assert not Reminder.objects.filter(
            ended_at=None, of_starts_at__lt=diary.at("10:00", days=10)
        ).exists()


@pytest.mark.parametrize("minutes", [30, -30, 15])
def test_a_day_moves_onto_itself(diary, cast, adas_day, system, minutes):
    assert moved(diary, cast.noor, 0, minutes_later=minutes) == 2
    later = timedelta(minutes=minutes)
    assert starts(system) == [diary.at("10:00") + later, diary.at("10:30") + later]


def test_a_day_that_does_not_fit_stays(diary, cast, adas_day, system):
    in_the_way = diary.by_staff(cast.noor, diary.at("10:30", days=8))
    with pytest.raises(DayDoesNotFit) as unfit:
        moved(diary, cast.noor, 1)
    assert str(unfit.value) == "1 visit has no room there. Nothing was moved."
    assert starts(system) == [diary.at("10:00"), diary.at("10:30"), in_the_way.starts_at]


def test_a_day_moved_over_a_change_of_the_clocks_keeps_its_hours(diary, cast, adas_day, system):
    ahead = 200  # of 200 days, at least one change lies between in Boston
    moved(diary, cast.noor, ahead)
    local = [at.astimezone(diary.zone).strftime("%H:%M") for at in starts(system)]
    assert local == ["10:00", "10:30"]


@pytest.mark.parametrize("who", ["ana", "admin"])
def test_only_nurses_and_clinicians_move_a_day(diary, cast, adas_day, who):
    with pytest.raises(NotForYou):
        moved(diary, getattr(cast, who), 1)


def test_nobody_moves_the_day_of_another_clinic(diary, cast, adas_day):
    with pytest.raises(Provider.DoesNotExist):
        moved(diary, cast.olga, 1)
    with pytest.raises(ReasonMissing):
        moved(diary, cast.noor, 1, reason="")
