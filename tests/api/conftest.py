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

    def stored(model=VitalSign):
        with system():
            return sorted(model.objects.all(), key=lambda row: row.pk)

    return stored
