"""The loop of the simulation: what it permutes, what it keeps, what time it is."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random

import pytest

from tests.realtime.simulation import errands
from tests.realtime.simulation.loop import SeededLoop, Stuck


def run(work, seed=0, in_order=0.0):
    with closing(SeededLoop(Random(seed), in_order)) as loop:
        return loop.run_until_complete(work())


async def race():
    """Three tasks of three turns each; the order in which they came."""
    came = []

    async def take_turns(name):
        for turn in range(3):
            came.append(f"{name}{turn}")
            await asyncio.sleep(0)

    await asyncio.gather(*(take_turns(name) for name in "abc"))
    return came


def test_a_seed_says_who_is_next():
    orders = {tuple(run(race, seed)) for seed in range(50)}
    assert len(orders) > 40
    assert run(race, 7) == run(race, 7)


def test_each_task_keeps_its_own_order():
    for seed in range(50):
        came = run(race, seed)
        for name in "abc":
            assert [each for each in came if name in each] == [f"{name}{turn}" for turn in range(3)]


def test_in_order_it_runs_as_asyncio_does():
    assert run(race, in_order=1.0) == asyncio.run(race())


def test_what_one_turn_schedules_runs_in_order():
    async def finish():
        called = []
        future = asyncio.get_running_loop().create_future()
        for number in range(5):
            future.add_done_callback(lambda _, number=number: called.append(number))
        future.set_result(None)
        await asyncio.sleep(1)
        return called

    for seed in range(50):
        assert run(finish, seed) == list(range(5))


def test_hours_pass_at_once():
    async def sleep():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3_600)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await loop.create_future()
        return loop.time()

    assert run(sleep) == pytest.approx(3_660, abs=0.01)


def test_waiting_for_what_never_comes_is_told():
    async def wait():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        run(wait)


def test_blocking_code_runs_while_nobody_else_does():
    """Two errands at once of a pool with two hands, a third after one of them; the loop between."""
    said = []

    def work(name):
        said.append(f"{name} begins")
        errands.wait(1.0)
        said.append(f"{name} ends")

    async def send():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(2) as pool:
            await asyncio.gather(*(loop.run_in_executor(pool, work, name) for name in "abc"))
        return loop.time()

    assert run(send) == pytest.approx(2, abs=0.02)
    first, second = said[:2]
    assert (first, second) == ("a begins", "b begins")
    assert said.index("c begins") > min(said.index("a ends"), said.index("b ends"))
    assert len(said) == 6


def test_an_errand_fails_where_it_is_awaited():
    def work():
        errands.wait(0.1)
        raise LookupError("nothing there")

    async def send():
        with pytest.raises(LookupError):
            await asyncio.get_running_loop().run_in_executor(None, work)

    run(send)


def test_an_errand_that_nobody_waits_for_is_ended():
    ended = []

    def work():
        try:
            errands.wait(1_000)
        finally:
            ended.append("cleaned up")

    async def give_up():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.get_running_loop().run_in_executor(None, work)

    with closing(SeededLoop(Random(0))) as loop:
        loop.run_until_complete(give_up())
        assert not ended
        loop.pools.abandon()
    assert ended
