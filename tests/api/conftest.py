"""Service accounts of both clinics. Imports are late: the database is made before Django is."""

import pytest


@pytest.fixture
def key_for(cast):
    """`key_for(admin, "observations:write")`: an account in that clinic, and its key."""
    from tests.api.programs import account_and_key

    return account_and_key


@pytest.fixture
def program_for(cast):
    """`program_for(admin, "observations:write")`: a program with such a key."""
    from tests.api.programs import Program, account_and_key

    def program_for(admin, *scopes, **options):
        return Program(*account_and_key(admin, *scopes, **options))

    return program_for


@pytest.fixture
def gateway(program_for, admin):
    """A program of Harbour Clinic that may send and read."""
    return program_for(admin)


@pytest.fixture
def stored(system):
    """`stored()`: the vital signs of the clinic, `stored(Result)` its results, oldest first."""
    from care.models import VitalSign

    def stored(model=VitalSign, **filters):
        with system():
            return sorted(model.objects.filter(**filters), key=lambda row: row.pk)

    return stored


@pytest.fixture
def diary(cast):
    """The clinic's calendar: Ada, Noor and Boris take wound checks, Ada in Room 3."""
    from tests.appointments.diary import Diary

    return Diary(cast)


@pytest.fixture
def scheduler(program_for, admin, diary):
    """A program of Harbour Clinic that may look and book."""
    return program_for(admin, "appointments:read", "appointments:write")


@pytest.fixture
def times(scheduler, diary, ana):
    """`times(days=7)`: the ids of Ana's free times of a day with Ada, as slots."""
    from tests.api.scheduling import SLOTS, entries

    def times(days=7, provider=None, program=scheduler):
        on = f"{diary.at('12:00', days):%Y-%m-%d}"
        found = program.get(
            SLOTS,
            **{"patient": str(ana.patient.pk), "service-type": str(diary.wound_check.pk)},
            start=[f"ge{on}", f"le{on}"],
            schedule=f"Schedule/{(provider or diary.cast.ada.provider).pk}",
        )
        return [f"Slot/{each['id']}" for each in entries(found)]

    return times
