"""An empty shift in the next seven days is told to the administrators, once."""

from datetime import UTC, datetime, time, timedelta

import pytest

from alerts.gap_watch import warn_of_gaps
from alerts.models import Rota, Shift
from notifications.models import Kind, Notification

pytestmark = pytest.mark.usefixtures("db")
NOW = datetime(2026, 11, 18, 12, 10, tzinfo=UTC)


@pytest.fixture
def fill(clinic, system):
    """`fill(ada, boris …)`: a rota whose weekdays from Monday on these people have."""

    def fill(*people, **more):
        with system():
            rota = Rota.objects.create(organization=clinic, name="All", time_zone="UTC", **more)
            for weekday, person in enumerate(people):
                Shift.objects.create(
                    organization=clinic,
                    rota=rota,
                    user=person.user if person else None,
                    weekday=weekday,
                    starts=time(0),
                    ends=time(0),
                    from_on=datetime(2020, 1, 6, tzinfo=UTC).date(),
                )
        return rota

    return fill


@pytest.fixture
def told(system):
    def told():
        with system():
            return [
                (each.user_id, each.subject_id)
                for each in Notification.objects.filter(kind=Kind.ALARM)
            ]

    return told


def test_a_full_week_warns_nobody(clinic, fill, told, ada):
    fill(*[ada] * 7)
    assert warn_of_gaps(clinic.pk, now=NOW) == 0
    assert told() == []


def test_an_empty_day_warns_the_administrators_once(clinic, fill, told, ada, admin):
    rota = fill(ada, ada, ada, ada, ada, None, ada)
    for hours in range(30):
        warn_of_gaps(clinic.pk, now=NOW + timedelta(hours=hours))
    assert told() == [(admin.user.pk, rota.pk)]


def test_the_same_day_of_the_next_week_is_another_gap(clinic, fill, told, ada):
    fill(ada, ada, ada, ada, ada, None, ada)
    for day in range(8):
        warn_of_gaps(clinic.pk, now=NOW + timedelta(days=day))
    assert len(told()) == 2


def test_a_gap_that_has_begun_is_not_another_one(clinic, fill, told, ada):
    fill(ada, ada, None, ada, ada, ada, ada)
    warn_of_gaps(clinic.pk, now=NOW - timedelta(days=2))
    for hours in range(12):
        warn_of_gaps(clinic.pk, now=NOW + timedelta(hours=hours))
    # This Wednesday and, from today on, the next.
    assert len(told()) == 2


def test_a_rota_without_shifts_is_told_of_once_a_week(clinic, fill, told):
    fill()
    for day in range(15):
        warn_of_gaps(clinic.pk, now=NOW + timedelta(days=day))
    assert len(told()) == 3


def test_hours_outside_the_shifts_may_be_empty(clinic, fill, told, ada):
    fill(ada, ada, is_round_the_clock=False)
    assert warn_of_gaps(clinic.pk, now=NOW) == 0


def test_another_clinic_is_not_told(clinic, other_clinic, fill, told, ada):
    fill(ada)
    assert warn_of_gaps(other_clinic.pk, now=NOW) == 0
