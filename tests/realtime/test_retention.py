"""History ends by whole partitions, and its end is told before it is gone."""

from datetime import timedelta

import psycopg
import pytest

from tests.waiting import wait_until

LONG_AGO = "clock_timestamp() - interval '73 hours'"


@pytest.fixture
def history(notes, log, owner, engine):
    """Events in several small partitions. `history.age(seq)` makes those up to `seq` old."""
    epoch = wait_until(
        lambda: engine.execute("SELECT realtime_try_to_lead('1 hour') AS epoch").fetchone()["epoch"]
    )
    before = log.relay()
    # From here on partitions of ten: the ordinary ones hold too many for a test.
    owner.execute(
        "UPDATE realtime_relay SET last_seq = partitioned_to - 1, partition_size = 5,"
        " grown_at = clock_timestamp() - interval '1 hour', oldest_seq = partitioned_to,"
        " oldest_moved_at = clock_timestamp() - interval '1 hour'"
    )
    first = before["partitioned_to"]
    for number in range(35):
        notes.insert(number=number)
    while engine.execute("SELECT * FROM realtime_move(%s, 5)", [epoch]).fetchall():
        owner.execute("UPDATE realtime_relay SET partition_size = 5")

    class History:
        start = first

        def age(self, seq):
            owner.execute(
                f"UPDATE realtime_events SET sequenced_at = {LONG_AGO} WHERE seq <= %s", [seq]
            )

        def prune(self, hours=72):
            return engine.execute(
                "SELECT realtime_prune(%s) AS dropped", [timedelta(hours=hours)]
            ).fetchone()["dropped"]

        def oldest(self):
            return log.relay()["oldest_seq"]

        def partitions(self):
            return [
                (row["first"], row["past"])
                for row in owner.execute("SELECT * FROM realtime_partitions()")
                if row["first"] >= first
            ]

        def a_minute_later(self):
            owner.execute(
                "UPDATE realtime_relay SET oldest_moved_at = oldest_moved_at - interval '1 minute'"
            )

    yield History()
    owner.execute("UPDATE realtime_relay SET partition_size = 10000, oldest_seq = last_seq + 1")


def test_only_partitions_that_are_old_as_a_whole_are_given_up(history):
    parts = history.partitions()
    history.age(parts[1][1])  # two whole ones and the first event of the third

    history.prune()
    assert history.oldest() == parts[2][0]


def test_history_is_told_to_be_gone_a_minute_before_it_is(history):
    parts = history.partitions()
    history.age(parts[0][1] - 1)

    history.prune()
    assert history.oldest() == parts[0][1]
    history.prune()
    assert parts[0] in history.partitions()

    history.a_minute_later()
    assert history.prune() >= 1
    assert history.partitions() == parts[1:]


def test_a_reader_in_the_log_only_puts_the_drop_off(history, connect):
    parts = history.partitions()
    history.age(parts[0][1] - 1)
    history.prune()
    history.a_minute_later()
    reader = connect("engine")
    with reader.transaction():
        reader.execute("SELECT count(*) FROM realtime_events")
        assert history.prune() == 0
    assert history.prune() >= 1


def test_less_than_a_day_is_never_kept(history, owner):
    parts = history.partitions()
    owner.execute(
        "UPDATE realtime_events SET sequenced_at = clock_timestamp() - interval '23 hours'"
        " WHERE seq >= %s",
        [history.start],
    )
    history.prune(hours=1)

    assert history.oldest() == parts[0][0]


def test_the_partition_in_use_is_never_dropped(history, log):
    history.age(log.head())
    history.prune()
    history.a_minute_later()
    history.prune()

    assert history.oldest() <= log.head() + 1
    assert history.partitions()[-1][1] > log.head()


def test_the_oldest_position_is_readable_with_the_head_in_one_statement(history, log, app):
    history.age(history.partitions()[0][1] - 1)
    history.prune()

    position = app.execute("SELECT * FROM realtime_position()").fetchone()
    assert position["oldest_seq"] == history.partitions()[1][0]
    assert position["last_seq"] == log.head()


def test_partitions_grow_with_the_pace(notes, log, owner):
    with owner.transaction(force_rollback=True):
        owner.execute("UPDATE realtime_relay SET partition_size = 10000")
        sizes = []
        for age in ("1 hour", "1 hour", "10 hours", "2 days"):
            owner.execute(f"UPDATE realtime_relay SET grown_at = now() - interval '{age}'")
            owner.execute("SELECT realtime_add_partition()")
            sizes.append(log_size(owner))
    assert sizes == [20000, 40000, 40000, 20000]


def log_size(connection):
    row = connection.execute("SELECT partition_size FROM realtime_relay").fetchone()
    return row["partition_size"]


def test_room_is_made_ahead(log, owner, engine):
    owner.execute("UPDATE realtime_relay SET last_seq = partitioned_to - 1")
    past = log.relay()["partitioned_to"]
    engine.execute("SELECT realtime_make_ahead()")
    assert log.relay()["partitioned_to"] > past
    past = log.relay()["partitioned_to"]
    engine.execute("SELECT realtime_make_ahead()")
    assert log.relay()["partitioned_to"] == past


@pytest.mark.parametrize("role", ["application", "engine"])
def test_nobody_reads_or_drops_a_partition(role, history, connect):
    connection = connect(role)
    name = f"realtime_events_{history.partitions()[0][0]}"
    for statement in (
        f"SELECT * FROM {name}",
        f"INSERT INTO {name} (seq, kind, topics, created_at) VALUES (1, 'change', '{{}}', now())",
        f"DELETE FROM {name}",
        f"DROP TABLE {name}",
        f"TRUNCATE {name}",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
