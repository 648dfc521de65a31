"""What is committed, as another connection sees it."""

import psycopg
import pytest


@pytest.fixture
def results(committed, database_urls):
    """`results()`: the codes and values of all results, committed."""

    def results():
        with psycopg.connect(database_urls.superuser) as connection:
            rows = connection.execute("SELECT code, value FROM results ORDER BY code").fetchall()
            return [(code, f"{value.normalize():f}") for code, value in rows]

    return results


@pytest.fixture
def diary(cast):
    """The clinic's calendar: Ada, Noor and Boris take wound checks, Ada in Room 3."""
    # Late: models can be loaded once there is a database.
    from tests.appointments.diary import Diary

    return Diary(cast)
