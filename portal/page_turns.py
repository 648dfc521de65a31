"""Whose page is next: few are made at once, so that nobody's many hold up everybody.

A page holds one of its process's few database connections, and processor, of which there is less.
Who asks for many at once gets them one after the other: of those who wait, it is the turn of
whoever has the fewest under way, by network place first, and within one by what their cookie or
key says. So whoever opens forty lines at once waits mostly for themselves.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field


class TurnedAway(Exception):
    """Too many wait already, or this one has waited for too long."""


@dataclass(eq=False, slots=True)
class Turn:
    """One request's, from when it was asked for until it is given back."""

    place: str
    who: str
    called: asyncio.Event = field(default_factory=asyncio.Event)


class PageTurns:
    """The turns of one process, all of them on its event loop."""

    def __init__(
        self,
        at_once: int,
        of_one: int,
        *,
        waiting: int = 200,
        waiting_of_one: int = 100,
        seconds: float = 5.0,
    ) -> None:
        """`of_one`, `waiting_of_one`: of one network place. `seconds`: how long one waits."""
        self.at_once, self.of_one = at_once, of_one
        self.waiting, self.waiting_of_one = waiting, waiting_of_one
        self.seconds = seconds
        self._waiting: list[Turn] = []
        self._under_way: list[Turn] = []

    async def take(self, place: str, who: str = "") -> Turn:
        """Wait for a turn, which is to be given back. Raises TurnedAway."""
        of_one = sum(each.place == place for each in self._waiting)
        if len(self._waiting) >= self.waiting or of_one >= self.waiting_of_one:
            raise TurnedAway
        turn = Turn(place, who)
        self._waiting.append(turn)
        self._call()
        if not turn.called.is_set():
            try:
                async with asyncio.timeout(self.seconds):
                    await turn.called.wait()
            except TimeoutError:
                self.give_back(turn)
                raise TurnedAway from None
            except asyncio.CancelledError:
                self.give_back(turn)
                raise
        return turn

    def give_back(self, turn: Turn) -> None:
        """End a turn, whether or not it had come."""
        (self._under_way if turn.called.is_set() else self._waiting).remove(turn)
        self._call()

    def _call(self) -> None:
        """Call whoever is next, as long as there is room."""
        while self._waiting and len(self._under_way) < self.at_once:
            places = Counter(each.place for each in self._under_way)
            people = Counter((each.place, each.who) for each in self._under_way)
            # The first of those whose turn it is came first.
            turn = min(
                self._waiting, key=lambda each: (places[each.place], people[each.place, each.who])
            )
            if places[turn.place] >= self.of_one:
                return
            self._waiting.remove(turn)
            self._under_way.append(turn)
            turn.called.set()
