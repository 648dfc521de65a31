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


def partitioned_to(connection):
    return connection.execute("SELECT partitioned_to FROM realtime_relay").fetchone()[
        "partitioned_to"
    ]


@pytest.fixture
def undone(connect):
    """A superuser inside a transaction that leaves no trace."""
    superuser = connect("superuser")
    with superuser.transaction(force_rollback=True):
        yield superuser


@pytest.fixture
def long_log(log, undone):
    """A superuser inside a transaction in which the log has grown over many partitions."""
    first = log.head() + 1
    last = first + MANY - 1
    while partitioned_to(undone) <= last:
        undone.execute("SELECT realtime_add_partition()")
        # As large as the first: this log need not last for hours.
        undone.execute("UPDATE realtime_relay SET partition_size = 5000")
    write(undone, first, last)
    undone.execute("UPDATE realtime_relay SET last_seq = %s", [last])
    undone.execute("ANALYZE realtime_events")
    return undone, last


def write(connection, first, last):
    connection.execute(WRITTEN, {"organization": ORGANIZATION, "first": first, "last": last})


def looked_at(plan):
    """Of each partition that was read at all: how many rows were looked at."""
    found = {}
    if plan.get("Relation Name", "").startswith("realtime_events") and plan["Actual Loops"]:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        found[plan["Relation Name"]] = rows * plan["Actual Loops"]
    for child in plan.get("Plans", ()):
        found |= looked_at(child)
    return found


def planned(connection, statement, values):
    (row,) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
    plans = row["QUERY PLAN"]
    return (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]


def explained(connection, statement, values):
    return looked_at(planned(connection, statement, values))


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


def test_what_was_learnt_of_a_partition_early_is_enough(undone):
    """A page of history is read in order, and not sorted out of all that was missed."""
    first = partitioned_to(undone)
    early, last = first + 2_000, first + MANY - 1
    undone.execute("UPDATE realtime_relay SET partition_size = %s", [MANY])
    undone.execute("SELECT realtime_add_partition()")
    write(undone, first, early)
    undone.execute("ANALYZE realtime_events")
    write(undone, early + 1, last)
    undone.execute("UPDATE realtime_relay SET last_seq = %s", [last])

    plan = planned(
        undone,
        _HISTORY,
        {"since": last - 10_000, "reach": last, "tables": ["notes"], "limit": 1_000},
    )
    assert sum(looked_at(plan).values()) == 1_000
    assert "Sort" not in str(plan)


def test_postgresql_looks_at_a_partition_again_when_it_has_doubled(undone):
    undone.execute("SELECT realtime_add_partition()")
    partitions = undone.execute(
        "SELECT reloptions FROM pg_class JOIN realtime_partitions() ON relation = oid"
    ).fetchall()
    wanted = {"autovacuum_analyze_scale_factor=1", "autovacuum_vacuum_insert_scale_factor=1"}
    assert partitions
    assert all(wanted <= set(each["reloptions"] or ()) for each in partitions)
