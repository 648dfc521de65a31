"""Nothing committed is lost, doubled or out of order: writers that dawdle, collide and fail."""

import random
import threading
import time

import psycopg
import pytest

from tests.waiting import wait_until

WRITERS = 8
TRANSACTIONS = 60


class Writers:
    """Eight connections that write notes in transactions of every length and ending.

    Each commit is numbered per writer, so that its order can be asked afterwards; `committed` holds
    (writer, number) of what was acknowledged.
    """

    def __init__(self, url):
        self.url = url
        self.committed = []
        self.rolled_back = 0
        self.threads = [
            threading.Thread(target=self._write, args=(writer,)) for writer in range(WRITERS)
        ]

    def run(self):
        for thread in self.threads:
            thread.start()
        return self

    def join(self):
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()

    def _write(self, writer):
        chance = random.Random(writer)
        with psycopg.connect(self.url, autocommit=True) as connection:
            for number in range(TRANSACTIONS):
                fails = chance.random() < 0.15
                with connection.transaction(force_rollback=fails):
                    connection.execute(
                        "INSERT INTO notes (id, organization_id, patient_id, provider_id, number)"
                        " VALUES (gen_random_uuid(), %(zero)s, %(zero)s, %(zero)s, %(number)s)",
                        {
                            "zero": "00000000-0000-0000-0000-000000000000",
                            "number": writer * 1_000_000 + number,
                        },
                    )
                    # The id is drawn; now the transaction stays open for 0 to 6 ms.
                    time.sleep(chance.random() * 0.006)
                if fails:
                    self.rolled_back += 1
                else:
                    self.committed.append(writer * 1_000_000 + number)


def numbers(events):
    return [event["record"]["number"] for event in events]


@pytest.mark.parametrize("settles", ["as always", "at every look"])
def test_eight_writers_lose_nothing(settles, notes, log, relays, database_urls, monkeypatch):
    if settles == "at every look":
        monkeypatch.setattr("realtime.settled.WORTH", 1)
        monkeypatch.setattr("realtime.settled.EVERY_SECONDS", 0.0)
        monkeypatch.setattr("realtime.settled.NET_SECONDS", float("inf"))
    relay = relays()
    writers = Writers(database_urls.application).run()
    writers.join()
    wait_until(lambda: len(log.events()) >= len(writers.committed))

    events = log.events()
    told = numbers(events)
    assert writers.rolled_back
    assert sorted(told) == sorted(writers.committed)
    assert [event["seq"] for event in events] == list(
        range(log.start + 1, log.start + 1 + len(events))
    )
    for writer in range(WRITERS):
        own = [number for number in told if number // 1_000_000 == writer]
        assert own == sorted(own)
    # What went over the bus is the log, event by event.
    assert [event["seq"] for event in relay.told] == [event["seq"] for event in events]
    assert bool(relay.relay.settled_upto) == (settles == "at every look")


def test_a_reader_of_ids_would_lose_events(notes, log, engine, database_urls):
    """The test before can fail: what a reader of `id > last` misses under the same load."""
    writers = Writers(database_urls.application).run()
    seen, last = [], 0
    while any(thread.is_alive() for thread in writers.threads):
        for row in engine.execute(
            "SELECT id, record FROM realtime_inbox WHERE id > %s ORDER BY id", [last]
        ):
            last = row["id"]
            seen.append(row["record"]["number"])
    writers.join()

    assert set(seen) < set(writers.committed)


def test_changes_of_one_row_come_in_the_order_they_were_made(notes, log, relay, connect):
    row = notes.insert(number=0)
    connections = [connect("application") for _ in range(4)]

    def bump(connection):
        for _ in range(40):
            connection.execute("UPDATE notes SET number = number + 1 WHERE id = %s", [row["id"]])

    threads = [threading.Thread(target=bump, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wait_until(lambda: len(log.events()) == 161)

    assert numbers(log.events()) == list(range(161))


def test_an_idle_transaction_delays_nobody(notes, log, relay, connect):
    idle = connect("application")
    with idle.transaction(force_rollback=True):
        notes.insert(idle)  # it has a transaction id, and an event that is not committed
        notes.insert(number=1)
        wait_until(lambda: numbers(log.events()) == [1])

    assert numbers(log.events()) == [1]


@pytest.mark.parametrize("how", ["savepoint", "transaction"])
def test_what_is_rolled_back_is_never_told(how, notes, log, relay, app):
    with app.transaction(force_rollback=how == "transaction"):
        with app.transaction(force_rollback=True):
            notes.insert(number=1)
        notes.insert(number=2)
    notes.insert(number=3)
    wait_until(lambda: numbers(log.events())[-1:] == [3])

    assert numbers(log.events()) == ([2, 3] if how == "savepoint" else [3])
