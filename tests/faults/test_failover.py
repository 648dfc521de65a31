"""The database is lost, and a standby that lagged behind takes over: what it never knew is gone.

Its positions come again for other events, so no cursor of the old log may be replayed from: every
client is told to read everything anew, and none mistakes one log for the other.
"""

import asyncio
import os
import signal
from random import Random

import pytest

from tests.browser.server import Server
from tests.conftest import SETTINGS
from tests.copies import copy_database
from tests.faults import evidence
from tests.faults.clients import end_all, readers_of
from tests.faults.facts import Heard, Resynced, Truth
from tests.faults.history import check
from tests.faults.plant import arranged, asking
from tests.faults.replicas import Replicated
from tests.faults.writers import Line, Writer

WRITTEN, LOST, ANEW = 30, 20, 40


@pytest.mark.timeout(500)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_everybody_begins_anew_after_a_failover_that_lost_the_tail(
    tmp_path, migrated, monkeypatch
):
    primary = Replicated(tmp_path / "primary", durable=False)
    standby = Replicated(tmp_path / "standby", durable=False)
    server = Server(tmp_path / "web.log")
    reading = []
    try:
        primary.start()
        urls = primary.provision("failover")
        for name, value in (SETTINGS | urls.environment() | {"REDIS_URL": ""}).items():
            monkeypatch.setenv(name, value)
        copy_database(migrated, urls.superuser)
        world = arranged(os.environ)
        standby.follow(primary)
        standby.start()
        server.start()

        ask = asking(urls.superuser)
        await until(lambda: evidence.settled(ask))
        before = evidence.cursor(ask).partition(":")[0]
        readers = readers_of(world, [server.port], evidence.cursor(ask), "failover", 1, 2)
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        writer = Writer(1, urls.application, world["patients"], Random(1), pause=0)
        line = Line(urls.application)

        async def write(count):
            """So many transactions; return the log's epoch and head when everybody knows them."""
            for _ in range(count):
                await writer.write(line)
            epoch, head = await until(lambda: evidence.settled(ask))
            await until(lambda: all(r.epoch == epoch and r.seq >= head for r in readers))
            return epoch, head

        await write(WRITTEN)
        caught_up = "SELECT 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
        await until(lambda: ask(caught_up))
        standby.stop()
        kept = len(writer.writes)
        await write(LOST)
        lost = {fact for write in writer.writes[kept:] for fact in write.facts}
        writer.writes, writer._rows = writer.writes[:kept], []

        standby.port = primary.port
        primary.kill()
        standby.start()
        ask("SELECT pg_promote()")
        after, head = await write(ANEW)
        await line.close()

        assert after != before
        for reader in readers:
            assert any(isinstance(e, Resynced) and e.epoch == after for e in reader.heard)
        truth = Truth(
            epoch=after,
            seqs=evidence.seqs(ask, head),
            oldest=evidence.oldest(ask),
            head=head,
            events=evidence.events(ask, head),
            rows=evidence.rows(ask),
        )
        # This was worth a test: numbers that were told were given again, to other events.
        told = {e.seq for r in readers for e in r.heard if isinstance(e, Heard) and e.fact in lost}
        assert told & {event.seq for event in truth.events}
        logs = [reader.log for reader in readers]
        report = check(truth, evidence.rights(ask), logs, writer.writes)
        assert report.wrong == {}
    finally:
        await end_all(reading)
        server.stop(signal.SIGKILL)
        standby.discard()
        primary.discard()


async def until(condition, seconds=150):
    """What the condition answers once it answers something; it is asked in a thread."""
    async with asyncio.timeout(seconds):
        while not (answer := await asyncio.to_thread(condition)):
            await asyncio.sleep(0.05)
    return answer
