"""What the tests of the audit chain stand on: entries, and somebody with power over all of it."""

import uuid

import pytest

# The roles past Django, as the tests of the engine have them.
from tests.realtime.conftest import connect, owner, superuser  # noqa: F401


@pytest.fixture
def written(committed, clinic, system):
    """`written(3)`: so many entries of Harbour Clinic, committed one by one; their ids."""
    from portal import audit
    from tests.audit.rows import entries

    def written(number=1, organization=clinic, **detail):
        for _ in range(number):
            with system(organization):
                audit.record(
                    "test.written",
                    organization_id=organization.pk,
                    actor_id=uuid.uuid4(),
                    patient_id=uuid.uuid4(),
                    **detail,
                )
        return entries()[-number:]

    return written


@pytest.fixture
def sealed(written):
    """`sealed(3)`: the same, each with its seal."""
    from portal import audit_chain

    def sealed(number=1, **options):
        found = written(number, **options)
        while audit_chain.seal_batch():
            pass
        return found

    return sealed


@pytest.fixture
def overruled(superuser):  # noqa: F811 - a fixture is named where it is asked for
    """`overruled(sql)`: past triggers, privileges and policies; how many rows it was."""

    def overruled(sql, *values):
        superuser.execute("SET session_replication_role = replica")
        return superuser.execute(sql, values).rowcount

    return overruled
