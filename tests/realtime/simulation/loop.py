"""An event loop whose clock is virtual, and in which the dice say whose turn is next.

asyncio runs callbacks in the order in which they were scheduled. Among those that one turn of the
loop schedules this order is a promise (a finished task tells its callbacks in the order in which
they were added), and is kept here: they stand in one *lane*. Between two turns it only says which
of two answers came a little earlier, and on another day it is the other one: so of all lanes that
wait, the dice choose. Each timer has a lane of its own.

Time passes when nobody has anything to do, and a moment with each turn. Timers are due at the
strokes of a `tick`: where it is long, much is due at the same moment, and meets in every order.
"""

import asyncio
import itertools
import math
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappop
from random import Random
from typing import Any

from tests.realtime.simulation.errands import Pools

TURN_SECONDS = 1e-5


class Stuck(Exception):
    """Somebody waits, and nothing will ever happen again."""


class NumberedTask(asyncio.Task):
    """A task that has the same place in a set in every run: by its number, not by its address."""

    def __init__(self, number: int, *arguments: Any, **options: Any) -> None:
        self.number = number
        super().__init__(*arguments, **options)

    def __hash__(self) -> int:
        return self.number


class SeededLoop(asyncio.BaseEventLoop):
    """One run of a seed. `in_order` is the share of turns that go to whoever waits longest."""

    def __init__(self, dice: Random, in_order: float = 0.0, tick: float = 0.0) -> None:
        super().__init__()
        self.turns = 0
        # What asyncio would have logged: exceptions that nobody took.
        self.mistakes: list[str] = []
        self.pools = Pools(self, dice)
        self._dice, self._in_order, self._tick = dice, in_order, tick
        self._now = 0.0
        self._lanes: list[deque[asyncio.Handle]] = []  # the oldest first
        self._lane: deque[asyncio.Handle] = deque()  # of the turn that runs
        numbers = itertools.count()
        self.set_task_factory(
            lambda loop, coro, **options: NumberedTask(next(numbers), coro, loop=loop, **options)
        )
        self.set_exception_handler(lambda _, context: self.mistakes.append(_told(context)))

    def time(self) -> float:
        return self._now

    def stand_still(self, seconds: float) -> None:
        """The whole machine does nothing for so long: afterwards everything is due at once."""
        self._now += seconds

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self._lane:
            self._lanes.append(self._lane)
        self._lane.append(handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        if self._tick:
            when = math.ceil(when / self._tick) * self._tick
        return super().call_at(when, callback, *args, context=context)

    # Nothing here runs in a thread while the loop does.
    call_soon_threadsafe = call_soon

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Have a blocking function run as an errand; so many at once as the executor has hands."""
        context = copy_context()
        return self.pools.of(executor).run(lambda: context.run(func, *args))

    def _run_once(self) -> None:
        self._call_timers()
        if not self._lanes:
            if not self._scheduled:
                raise Stuck
            self._now = self._scheduled[0].when()
            self._call_timers()
        at = 0
        if len(self._lanes) > 1 and self._dice.random() >= self._in_order:
            at = self._dice.randrange(len(self._lanes))
        lane = self._lanes[at]
        handle = lane.popleft()
        if not lane:
            del self._lanes[at]
        self._lane = deque()
        self._now += TURN_SECONDS
        self.turns += 1
        if not handle.cancelled():
            handle._run()

    def _call_timers(self) -> None:
        timers = self._scheduled
        while timers and (timers[0].cancelled() or timers[0].when() <= self._now):
            handle = heappop(timers)
            handle._scheduled = False
            if not handle.cancelled():
                self._lanes.append(deque((handle,)))


def _told(context: dict[str, Any]) -> str:
    return f"{context['message']}: {context.get('exception')!r}"
