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
