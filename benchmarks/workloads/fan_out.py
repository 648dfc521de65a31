"""W1, W2, W2b and W3: one change, from the INSERT to the sockets of its audience.

    W1   200 sockets, a topic each; 200 changes a second; how long each takes
    W2   1,000 or 5,000 sockets on one topic: one change after the other, which shows what a
         delivery costs; then 16 under way at once, which shows how many there can be
    W2b  the same 1,000 at 20 changes a second; how long each delivery takes
    W3   1,000 sockets, a topic each, and as many changes as get through

The server has a core of its own; PostgreSQL, the writer and the load client share another.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contestants import Contestant
from benchmarks.crowd import Crowd, Spread

SERVER_CORE, OTHER_CORE = 0, 1
_PATIENCE_SECONDS = 10.0
# One socket in so many is timed where there are many deliveries.
_SAMPLED = 16
# With 600 under way the core that is busiest, PostgreSQL's, stood idle a tenth of the time.
_ROWS, _UNDER_WAY = 100, 1_200

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each; the smoke test takes less."""

    topics: int = 200
    rate: int = 200
    sockets: int = 1_000
    many_sockets: int = 5_000
    slow_rate: int = 20
    seconds: float = 2.0
    # Of forty changes a single late one would be the 99th percentile; of four hundred, one round of
    # autovacuum that took four of them.
    long_seconds: float = 10.0


def paced(contestant: Contestant, size: Size) -> Figures:
    """W1."""
    with _crowd(contestant.each(size.topics)) as crowd:
        # A relay that has just begun to lead, plans that are not made yet: not what is asked here.
        _write(size.rate, 0.5, lambda n: contestant.change_each([n % size.topics]))
        crowd.heard(round(size.rate * 0.5), _PATIENCE_SECONDS)
        crowd.begin()
        count = round(size.rate * size.long_seconds)
        _write(size.rate, size.long_seconds, lambda n: contestant.change_each([n % size.topics]))
        is_whole = crowd.heard(count, _PATIENCE_SECONDS)
        heard = crowd.report()
        spread = Spread.of(heard.waits)
    return {
        "w1_p50": spread.p50,
        "w1_p95": spread.p95,
        "w1_p99": spread.p99,
        "w1_lost": 0 if is_whole else count - heard.count,
    }


def fanned(contestant: Contestant, size: Size, sockets: int, name: str = "w2") -> Figures:
    """W2, and W2b with it."""
    every = min(_SAMPLED, sockets)
    with _crowd(contestant.all_of(sockets), every=every) as crowd:
        contestant.change_all()
        crowd.heard(sockets, _PATIENCE_SECONDS)
        single = _saturate(contestant, crowd, sockets, size.seconds, under_way=1)
        backlog = _saturate(contestant, crowd, sockets, size.seconds, under_way=16)
        figures = {
            f"{name}_rate": backlog["rate"],
            f"{name}_per_core": backlog["per_core"],
            f"{name}_cpu": single["cpu"],
            f"{name}_cpu_backlog": backlog["cpu"],
            f"{name}_client": max(single["client"], backlog["client"]),
            f"{name}_lost": single["lost"] + backlog["lost"],
        }
        if name == "w2" and single["rate"] > 1.2 * sockets * size.slow_rate:
            crowd.begin()
            count = round(size.slow_rate * size.long_seconds)
            _write(size.slow_rate, size.long_seconds, lambda _: contestant.change_all())
            crowd.heard(count * sockets, _PATIENCE_SECONDS)
            spread = Spread.of(crowd.report().waits)
            figures |= {"w2b_p50": spread.p50, "w2b_p99": spread.p99}
    return figures


def spread_out(contestant: Contestant, size: Size) -> Figures:
    """W3."""
    chance = random.Random(3)
    numbers = list(range(size.sockets))

    def change() -> None:
        contestant.change_each(chance.choices(numbers, k=_ROWS))

    with _crowd(contestant.each(size.sockets), every=_SAMPLED) as crowd:
        change()
        crowd.heard(_ROWS, _PATIENCE_SECONDS)
        figures = _saturate(
            contestant, crowd, _ROWS, size.seconds, under_way=_UNDER_WAY // _ROWS, change=change
        )
    return {
        "w3_rate": figures["rate"],
        "w3_cpu": figures["cpu"],
        "w3_client": figures["client"],
        "w3_lost": figures["lost"],
    }


def _crowd(seats: list, every: int = 1) -> Crowd:
    crowd = Crowd(seats, core=OTHER_CORE, every=every)
    if crowd.failures:
        crowd.close()
        raise RuntimeError(f"{len(crowd.failures)} sockets did not open: {crowd.failures[0]}")
    crowd.begin()
    return crowd


def _write(rate: int, seconds: float, change: Callable[[int], None]) -> None:
    """Write at an even pace; late ones are not made up for by a burst of more."""
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        pause = began + number / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        change(number)


def _saturate(
    contestant: Contestant,
    crowd: Crowd,
    step: int,
    seconds: float,
    *,
    under_way: int,
    change: Callable[[], None] | None = None,
) -> Figures:
    """Write so that always so many INSERTs, `step` deliveries each, have not arrived whole."""
    change = change or contestant.change_all
    crowd.settle()
    crowd.begin(step=step)
    cpu, began = contestant.cpu(), time.monotonic()
    written = arrived = 0
    while time.monotonic() - began < seconds:
        while written - arrived < under_way:
            change()
            written += 1
        if not crowd.ticked(_PATIENCE_SECONDS):
            break
        arrived += 1
    took = time.monotonic() - began
    rate = arrived * step / took
    crowd.heard(written * step, _PATIENCE_SECONDS)
    heard, used = crowd.report(), contestant.cpu() - cpu
    return {
        "rate": rate,
        "cpu": used * 1e6 / max(1, heard.count),
        "per_core": heard.count / max(1e-6, used),
        "client": heard.busy,
        "lost": written * step - heard.count,
    }
