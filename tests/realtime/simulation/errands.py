"""What the engine gives to threads, run so that a seed repeats it.

It is ordinary blocking code, and waits in the middle of it: so each errand is a greenlet. One that
waits for the outside (`wait`) hands the turn back to the loop, which gives it again when the
virtual time has come. Real threads that pass the turn to each other do the same at twice the cost
of a whole world.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from tests.realtime.simulation.loop import SeededLoop

# Between the call and the thread that would take it up, in seconds: mostly next to nothing.
MOST_DELAY = 0.003


class Abandoned(BaseException):
    """The world has ended; nobody waits for this errand any more."""


def wait(seconds: float) -> None:
    """Let so much virtual time pass in the errand that calls this."""
    getcurrent().parent.switch(seconds)


class Errand:
    """One blocking function under way."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._line = greenlet(self._run)
        self.waits = 0.0
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        return self._line.dead

    def go_on(self) -> None:
        """Run up to the next wait, or the end."""
        self.waits = self._line.switch()

    def abandon(self) -> None:
        """End it where it waits."""
        while not self.is_over:
            self._line.throw(Abandoned)

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            # The frames of a traceback would keep alive what they name, until some collection.
            self.error = error.with_traceback(None)


class Pool:
    """So many errands at once as an executor has hands; the others wait, in order."""

    def __init__(
        self, loop: "SeededLoop", dice: Random, executor: ThreadPoolExecutor | None
    ) -> None:
        self._loop, self._dice, self._executor = loop, dice, executor
        self._waiting: deque[tuple[Errand, asyncio.Future[Any]]] = deque()
        self.under_way: list[Errand] = []

    def run(self, function: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Have an errand run; as the executor would, this raises RuntimeError once it is shut."""
        if self._is_shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = self._loop.create_future()
        self._waiting.append((Errand(function), future))
        self._loop.call_later(self._dice.uniform(0, MOST_DELAY), self._take)
        return future

    @property
    def _is_shut(self) -> bool:
        return self._executor is not None and self._executor._shutdown

    @property
    def _has_hands(self) -> bool:
        return self._executor is None or len(self.under_way) < self._executor._max_workers

    def _take(self) -> None:
        while self._waiting and (self._is_shut or self._has_hands):
            errand, future = self._waiting.popleft()
            if self._is_shut:
                future.cancel()
            # Who gave up before anybody took it up is not served.
            elif not future.cancelled():
                self.under_way.append(errand)
                errand.go_on()
                self._went_on(errand, future)

    def _go_on(self, errand: Errand, future: "asyncio.Future[Any]") -> None:
        # One that its world has left behind.
        if not errand.is_over:
            errand.go_on()
            self._went_on(errand, future)

    def _went_on(self, errand: Errand, future: "asyncio.Future[Any]") -> None:
        if not errand.is_over:
            self._loop.call_later(errand.waits, self._go_on, errand, future)
            return
        self.under_way.remove(errand)
        if not future.done():
            if errand.error is None:
                future.set_result(errand.result)
            else:
                future.set_exception(errand.error)
        self._take()


class Pools:
    """All pools of one loop, by the executor that the engine names."""

    def __init__(self, loop: "SeededLoop", dice: Random) -> None:
        self._loop, self._dice = loop, dice
        self._pools: dict[ThreadPoolExecutor | None, Pool] = {}

    def of(self, executor: ThreadPoolExecutor | None) -> Pool:
        if executor not in self._pools:
            self._pools[executor] = Pool(self._loop, self._dice, executor)
        return self._pools[executor]

    def abandon(self) -> None:
        """End what is still under way, in every pool."""
        for pool in self._pools.values():
            for errand in list(pool.under_way):
                errand.abandon()
