"""No page reads a table from end to end, however many rows it has.

What is counted are the rows that PostgreSQL looked at for one answer, in tables and indexes, also
inside of policies and functions: a plan shown by EXPLAIN would say nothing of those.
"""

import psycopg
import pytest
from django.db import connections
from django.urls import reverse

from tests.cast import signed_in
from tests.house.matrix import MATRIX
from tests.house.multitude import years_later
from tests.house.record import anas_record

pytestmark = pytest.mark.timeout(600)

# Of any table, for one answer. The smallest of those that are made large has 10,000.
FEW = 2_000

# An administrator's overview counts the register, and the list of patients pages through it.
COUNTS = {("admin", "portal:dashboard"), ("admin", "portal:patients")}

LOOKED_AT = """
    SELECT relname, sum(rows)::bigint FROM (
        SELECT relname, seq_tup_read AS rows FROM pg_stat_user_tables
        UNION ALL SELECT relname, idx_tup_read FROM pg_stat_user_indexes
    ) AS looked_at GROUP BY relname
"""


@pytest.fixture
def superuser(database_urls):
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        yield connection


def looked_at(superuser) -> dict[str, int]:
    """Rows of each table that were looked at up to now."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            with connection.cursor() as cursor:
                # What a session has counted is told at the end of its next statement.
                cursor.execute("SELECT pg_stat_force_next_flush()")
                cursor.execute("SELECT")
    return dict(superuser.execute(LOOKED_AT).fetchall())


def test_of_years_a_page_reads_only_what_it_shows(committed, cast, superuser):
    record = vars(anas_record(cast))
    years_later(superuser)
    pages, greedy = 0, []
    for person in ("ana", "sam", "ada", "admin"):
        client = signed_in(getattr(cast, person))
        for name, row in MATRIX.items():
            if person not in row.get or (person, name) in COUNTS:
                continue
            url = reverse(name, kwargs={key: record[key] for key in row.takes} | row.fixed)
            before = looked_at(superuser)
            assert client.get(url).status_code < 500, name
            pages += 1
            greedy += [
                f"{name} as {person} reads {number:,} of {table}"
                for table, after in looked_at(superuser).items()
                if (number := after - before.get(table, 0)) > FEW
            ]
    assert pages > 150
    assert not greedy, greedy
