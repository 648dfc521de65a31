"""However long the log is, its end is read without its beginning."""

import json

import pytest

from realtime.log import _AFTER
from realtime.quoting import identifier
from realtime.replay import _HISTORY

MANY, MISSED = 60_000, 40

WRITTEN = """
    INSERT INTO realtime_events
        (seq, organization_id, kind, topics, table_name, row_id, operation, record, created_at)
    SELECT seq, %(organization)s::uuid, 'change', ARRAY['tenant:' || %(organization)s::text],
        'notes', seq::text, 'INSERT', '{}', clock_timestamp()
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS seq
"""
ORGANIZATION = "01a20000-0000-7000-8000-000000000001"


class Undone(Exception):
    """Ends a transaction without a trace."""


def partitioned_to(connection):
    return connection.execute("SELECT partitioned_to FROM realtime_relay").fetchone()[
        "partitioned_to"
    ]


@pytest.fixture
def long_log(log, connect):
    """A superuser inside a transaction in which the log has grown over many partitions."""
    superuser = connect("superuser")
    first = log.head() + 1
    last = first + MANY - 1
    try:
        with superuser.transaction():
            while partitioned_to(superuser) <= last:
                superuser.execute("SELECT realtime_add_partition()")
                # As large as the first: this log need not last for hours.
                superuser.execute("UPDATE realtime_relay SET partition_size = 5000")
            superuser.execute(WRITTEN, {"organization": ORGANIZATION, "first": first, "last": last})
            superuser.execute("UPDATE realtime_relay SET last_seq = %s", [last])
            superuser.execute("ANALYZE realtime_events")
            yield superuser, last
            raise Undone
    except Undone:
        pass


def looked_at(plan):
    """Of each partition that was read at all: how many rows were looked at."""
    found = {}
    if plan.get("Relation Name", "").startswith("realtime_events") and plan["Actual Loops"]:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        found[plan["Relation Name"]] = rows * plan["Actual Loops"]
    for child in plan.get("Plans", ()):
        found |= looked_at(child)
    return found


def explained(connection, statement, values):
    (row,) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
    plans = row["QUERY PLAN"]
    return looked_at((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"])


def test_the_hub_reads_the_end_alone(long_log):
    connection, last = long_log
    found = explained(connection, _AFTER, {"after": last - MISSED, "newest": 2**62, "limit": 500})
    assert sum(found.values()) == MISSED
    assert len(found) <= 2


def test_the_newest_are_read_without_the_rest(long_log):
    connection, _ = long_log
    found = explained(connection, _AFTER, {"after": 0, "newest": MISSED, "limit": MISSED})
    assert sum(found.values()) == MISSED
    assert len(found) <= 2


def test_a_page_that_comes_back_reads_what_it_missed(long_log, connect):
    """As the application, under its policies."""
    connection, last = long_log
    role = connect("application").info.user
    connection.execute(f"SET LOCAL ROLE {identifier(role)}")
    connection.execute("SELECT set_config('portal.organization', %s, true)", [ORGANIZATION])
    found = explained(
        connection,
        _HISTORY,
        {"since": last - MISSED, "reach": last, "tables": ["notes"], "limit": 1_000},
    )
    connection.execute("RESET ROLE")
    assert sum(found.values()) == MISSED
    assert len(found) <= 2
