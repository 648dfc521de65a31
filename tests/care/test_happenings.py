"""What is marked on a trend besides its readings."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from care.happenings import MOST, happenings
from care.models import Condition, Encounter, Medication, Procedure
from portal.tenancy import acting_for


@pytest.fixture
def happened(ana):
    """`happened(ada)`: the labels of what somebody sees to have happened to Ana, newest first."""

    def happened(person, since=None):
        with acting_for(person.organization.pk, person.user.pk):
            marks = happenings(ana.patient, person.reader, since)
        return [mark.label for mark in sorted(marks, key=lambda mark: mark.at, reverse=True)]

    return happened


@pytest.fixture
def about(ana):
    return {"organization": ana.organization, "patient": ana.patient}


def test_what_was_ordered_on_one_day_is_one_mark_and_a_repeat_is_none(about, happened, ada, system):
    with system():
        for name, day in (("A", 1), ("B", 1), ("A", 9), ("C", 4)):
            Medication.objects.create(
                **about, display=name, status="active", authored_on=date(2026, 3, day)
            )
        Medication.objects.create(
            **about, display="D", status="cancelled", authored_on=date(2026, 3, 9)
        )
    assert happened(ada) == ["C: begun", "A, B: begun"]


def test_a_condition_is_marked_where_it_began_and_where_it_was_over(about, happened, ada, system):
    with system():
        Condition.objects.create(
            **about, display="Fever", onset_on=date(2026, 3, 1), abated_on=date(2026, 3, 4)
        )
        Condition.objects.create(
            **about, display="Cough", onset_on=date(2026, 3, 2), verification="refuted"
        )
    assert happened(ada) == ["Fever: over", "Fever: began"]


def test_a_day_without_a_time_begins_at_the_clinics_midnight(about, ana, ada, system):
    with system():
        Condition.objects.create(**about, display="Fever", onset_on=date(2026, 3, 1))
    with acting_for(ada.organization.pk, ada.user.pk), timezone.override(ana.organization.zone):
        (mark,) = happenings(ana.patient, ada.reader, None)
    assert mark.at == datetime(2026, 3, 1, tzinfo=ana.organization.zone)


def test_only_what_took_place_is_marked_and_the_newest_of_it(about, happened, ada, system):
    now = timezone.now()
    with system():
        for day in range(MOST + 2):
            Encounter.objects.create(
                **about, display=f"Visit {day}", status="finished",
                starts_at=now - timedelta(days=day, hours=1),
            )  # fmt: skip
        for status in ("planned", "cancelled"):
            Encounter.objects.create(**about, display=status, status=status, starts_at=now)
        Procedure.objects.create(
            **about, display="Dental cleaning", status="completed", performed_at=now
        )
    assert happened(ada) == [f"Visit {day}" for day in range(MOST)]
    assert happened(ada, since=now - timedelta(days=1)) == ["Visit 0"]


def test_a_stranger_learns_nothing(about, happened, boris, olga, system):
    with system():
        Condition.objects.create(**about, display="Fever", onset_on=date(2026, 3, 1))
    assert happened(boris) == happened(olga) == []
