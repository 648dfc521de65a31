"""The crowd: the load client as the run sees it, in as many processes as it takes."""

import multiprocessing
import os
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import psutil

from benchmarks import listener
from benchmarks.ear import Seat
from benchmarks.listener import Heard

# A process may have 20,000 files open here; and two share the reading of a large crowd.
_SEATS_PER_PROCESS = 5_000
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Spread:
    """How long the changes took, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, nanoseconds: list[int]) -> "Spread":
        waits = sorted(each / 1e6 for each in nanoseconds) or [float("nan")]
        cuts = statistics.quantiles(waits, n=100) if len(waits) > 1 else waits * 99
        return cls(len(nanoseconds), *(round(cuts[at], 2) for at in (49, 94, 98)))


class Crowd:
    """Sockets that listen, in processes of their own."""

    def __init__(
        self,
        seats: list[Seat],
        *,
        core: int | None = None,
        every: int = 1,
        processes: int | None = None,
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._members = []
        parts = processes or max(1, -(-len(seats) // _SEATS_PER_PROCESS))
        self.size = len(seats)
        try:
            for part in range(parts):
                orders, theirs = spawn.Pipe()
                ticks, told = spawn.Pipe(duplex=False)
                process = spawn.Process(target=listener.run, args=(theirs, told), daemon=True)
                process.start()
                theirs.close()
                told.close()
                if core is not None and hasattr(os, "sched_setaffinity"):
                    psutil.Process(process.pid).cpu_affinity([core])
                self._members.append((process, orders, ticks, seats[part::parts]))
            began = time.monotonic()
            self.failures = self._open(max(1, _AT_ONCE // parts), every)
            self.opened_in = time.monotonic() - began
        except BaseException:
            self.close()
            raise

    def _open(self, at_once: int, every: int) -> list[str]:
        for _, orders, _, seats in self._members:
            orders.send(("open", seats, at_once, every))
        return [failure for _, orders, *_ in self._members for failure in orders.recv()]

    def join(self, seats: list[Seat], *, every: int = 1) -> list[str]:
        """More sockets, in the processes there are; the reasons of those that could not be."""
        parts = len(self._members)
        for part, (_, orders, *_) in enumerate(self._members):
            orders.send(("open", seats[part::parts], max(1, _AT_ONCE // parts), every))
        self.size += len(seats)
        return [failure for _, orders, *_ in self._members for failure in orders.recv()]

    def begin(self, *, step: int = 0, comes_back: bool = False, since: str = "") -> None:
        """Count from nothing; with `step`, `ticked` answers after each so many changes.

        `comes_back` has lost sockets opened again, asking for what came after `since`.
        """
        self._ask("begin", step, comes_back, since)

    def ticked(self, seconds: float) -> bool:
        """Wait for the next `step` changes of the (one) process; False when they do not come."""
        ticks = self._members[0][2]
        if not ticks.poll(seconds):
            return False
        ticks.recv_bytes()
        return True

    def settle(self) -> None:
        """Forget ticks that nobody waited for."""
        ticks = self._members[0][2]
        while ticks.poll(0):
            ticks.recv_bytes()

    def report(self) -> Heard:
        """What all of them heard since `begin`."""
        together = Heard()
        for heard in self._ask("report"):
            together.count += heard.count
            together.waits.extend(heard.waits)
            together.ready_at.extend(heard.ready_at)
            together.refused += heard.refused
            together.lost += heard.lost
            together.open += heard.open
            # The busiest is the one that could be in the way.
            together.busy = max(together.busy, heard.busy)
        return together

    def heard(self, count: int, seconds: float) -> bool:
        """Wait until `count` changes were heard; False when they do not come."""
        deadline = time.monotonic() + seconds
        while sum(self._ask("count")) < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        """Close the sockets and end the processes."""
        for process, orders, ticks, _ in self._members:
            with suppress(OSError):
                orders.send(("close",))
                orders.poll(5)
            orders.close()
            ticks.close()
            process.join(5)
            if process.is_alive():
                process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, name: str, *values: object) -> list:
        for _, orders, *_ in self._members:
            orders.send((name, *values))
        return [orders.recv() for _, orders, *_ in self._members]
