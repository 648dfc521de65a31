"""The engine's worker threads: what whoever asks is told when they cannot answer."""

import asyncio
import threading

import pytest
from django.db import InterfaceError, OperationalError

from realtime.errors import Unavailable
from realtime.threads import Threads


@pytest.fixture
def threads():
    threads = Threads()
    yield threads
    threads.stop()


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
async def test_a_database_that_is_away_is_no_mistake_of_ours(threads, away):
    def ask():
        raise away("server closed the connection unexpectedly")

    with pytest.raises(Unavailable):
        await threads.rights(5, ask)


async def test_what_a_question_raises_reaches_whoever_asked(threads):
    def ask():
        raise RuntimeError("of the question itself")

    with pytest.raises(RuntimeError, match="of the question itself"):
        await threads.history(5, ask)


async def test_whoever_asks_after_the_end_is_told_so(threads):
    threads.stop()
    with pytest.raises(Unavailable):
        await threads.rights(5, lambda: None)


class Stuck:
    """A question that is not answered until it is let go."""

    def __init__(self):
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def __call__(self):
        self.begun.release()
        return self.let_go.wait()


@pytest.fixture
def stuck():
    stuck = Stuck()
    yield stuck
    stuck.let_go.set()


async def test_whoever_waits_for_a_thread_at_the_end_is_told_so(threads, stuck):
    under_way = [asyncio.create_task(threads.rights(5, stuck)) for _ in range(2)]
    for _ in under_way:
        await asyncio.to_thread(stuck.begun.acquire)
    waits = asyncio.create_task(threads.rights(5, lambda: None))
    await asyncio.sleep(0)  # it puts its question
    threads.stop()
    with pytest.raises(Unavailable):
        await waits
    stuck.let_go.set()
    assert await asyncio.gather(*under_way) == [True, True]


async def test_whoever_gives_up_at_the_end_has_given_up(threads, stuck):
    asks = asyncio.create_task(threads.rights(5, stuck))
    await asyncio.to_thread(stuck.begun.acquire)
    threads.stop()
    asks.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asks
