"""The use of time and the no-shows: numbers that a clinic can check by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.errors import NotForYou
from appointments.models import Appointment, Holiday, TimeBlock
from appointments.report import COLUMNS, summed, use_of_time
from appointments.spans import length, union, within, without

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
span = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(
    lambda pair: (
        NOON + timedelta(minutes=pair[0]),
        NOON + timedelta(minutes=pair[0] + pair[1]),
    )
)
spans = st.lists(span, max_size=6)


def minutes(stretches):
    """Each minute that lies in one of them: the plain way to say the same."""
    return {
        number
        for begin, end in stretches
        for number in range(
            int((begin - NOON).total_seconds() // 60), int((end - NOON).total_seconds() // 60)
        )
    }


@settings(max_examples=100)
@given(spans, spans)
def test_stretches_of_time_are_sets_of_minutes(some, others):
    assert minutes(union(some)) == minutes(some)
    assert minutes(without(some, others)) == minutes(some) - minutes(others)
    assert minutes(within(some, others)) == minutes(some) & minutes(others)
    assert length(some) == timedelta(minutes=len(minutes(some)))


@pytest.fixture
def last_week(diary):
    """Monday of the week before this one, as days from today."""
    today = timezone.localdate(timezone=diary.zone)
    return -today.weekday() - 7


@pytest.fixture
def week(diary, cast, last_week, system):
    """Ada's: two who came, one who did not, one who called it off late, one seen besides."""
    of_visit = {
        "organization": cast.clinic,
        "patient": cast.ben.patient,
        "provider": cast.ada.provider,
        "kind": "Wound check",
    }

    def visit(clock, status, day=0, **more):
        starts_at = diary.at(clock, days=last_week + day)
        with system():
            Appointment.objects.create(
                **of_visit,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=30),
                status=status,
                **more,
            )

    visit("09:00", "done")
    visit("09:30", "done", day=1)
    visit("09:45", "done", day=1, overbook_reason="Bleeding")  # 15 minutes of it lie on another
    visit("10:00", "no_show", day=2)
    visit("11:00", "cancelled", cancelled_at=diary.at("08:00", days=last_week))
    visit("18:00", "done", day=3)  # outside of the hours
    day = timezone.localdate(timezone=diary.zone) + timedelta(days=last_week)
    with system():
        Holiday.objects.create(organization=cast.clinic, on=day + timedelta(days=4), name="Fair")
        TimeBlock.objects.create(
            organization=cast.clinic,
            provider=cast.ada.provider,
            starts_at=diary.at("13:00", days=last_week),
            ends_at=diary.at("15:00", days=last_week),
            reason="Theatre",
            by=cast.ada.user,
        )
    return day


def uses(diary, who, week):
    with diary.as_(who):
        return use_of_time(week, week + timedelta(days=6), by=who.reader)


def test_a_week_in_numbers(diary, cast, week):
    ada, *_ = [use for use in uses(diary, cast.noor, week) if use.provider == "Ada Lee"]
    # Seven days of eight hours, without the holiday and two hours in theatre.
    assert ada.open_minutes == 6 * 8 * 60 - 120
    # Two of 30, 15 of the one on top, and 30 that nobody else had.
    assert ada.booked_minutes == 30 + 30 + 15 + 30
    assert ada.utilisation == round(100 * 105 / 2760)
    assert (ada.visits, ada.came, ada.did_not_come, ada.no_shows) == (5, 4, 1, 20)
    assert (ada.called_off, ada.called_off_late, ada.overbooked) == (1, 1, 1)
    assert len(ada.row) == len(COLUMNS)


def test_it_counts_what_the_reader_may_not_see_and_names_no_patient(diary, cast, week):
    """Noor does not look after Ben; the clinic's numbers are the clinic's."""
    with diary.as_(cast.noor):
        assert not Appointment.objects.exists()
    assert summed(uses(diary, cast.noor, week)).visits == 5
    assert summed(uses(diary, cast.admin, week)).visits == 5
    assert "Ben" not in str(uses(diary, cast.noor, week))


def test_a_provider_without_hours_and_visits_is_left_out_and_no_hours_are_no_zero(
    diary, cast, week, system
):
    names = {use.provider for use in uses(diary, cast.noor, week)}
    assert names == {"Ada Lee", "Noor Haddad", "Boris Fell"}
    noor, *_ = [use for use in uses(diary, cast.noor, week) if use.provider == "Noor Haddad"]
    assert (noor.utilisation, noor.no_shows) == (0, None)
    assert summed([]) is None


def test_other_clinics_and_patients_get_no_numbers(diary, cast, week):
    assert uses(diary, cast.olga, week) == []
    for who in (cast.ana, cast.sam):
        with pytest.raises(NotForYou):
            uses(diary, who, week)
    with diary.as_(cast.noor), pytest.raises(ValueError, match="400"):
        use_of_time(week, week + timedelta(days=500), by=cast.noor.reader)


def test_what_is_booked_ahead_counts_as_booked(diary, cast):
    diary.booked(cast.ana, diary.at("10:00"))
    day = timezone.localdate(diary.at("10:00"), diary.zone)
    ada, *_ = [use for use in uses(diary, cast.noor, day) if use.provider == "Ada Lee"]
    assert (ada.booked_minutes, ada.visits, ada.came, ada.no_shows) == (30, 1, 0, None)
