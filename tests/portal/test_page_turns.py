"""Whose page is next, however many ask and in whatever order they come and go."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.page_turns import PageTurns, TurnedAway

PLACES = ("clinic", "home", "stranger")


async def settle():
    """Let everybody who was called go on."""
    for _ in range(10):
        await asyncio.sleep(0)


class Crowd:
    """People who ask for turns; `under_way` lists who has one, in the order they were called."""

    def __init__(self, turns):
        self.turns, self.under_way, self.asking = turns, [], []

    async def ask(self, place, who=""):
        task = asyncio.ensure_future(self._ask(place, who))
        self.asking.append(task)
        await settle()
        return task

    async def _ask(self, place, who):
        turn = await self.turns.take(place, who)
        self.under_way.append(turn)

    async def finish(self, number=0):
        self.turns.give_back(self.under_way.pop(number))
        await settle()

    def places(self):
        return [turn.place for turn in self.under_way]


def played(play, *args, **limits):
    async def begin():
        crowd = Crowd(PageTurns(*args, **limits))
        try:
            return await play(crowd)
        finally:
            for task in crowd.asking:
                task.cancel()
            await asyncio.gather(*crowd.asking, return_exceptions=True)

    return asyncio.run(begin())


def test_one_place_leaves_room_for_another():
    async def play(crowd):
        for _ in range(40):
            await crowd.ask("stranger")
        assert crowd.places() == ["stranger"] * 2
        await crowd.ask("clinic")
        assert crowd.places() == ["stranger"] * 2 + ["clinic"]

    played(play, 4, 2)


def test_whoever_has_fewest_is_next_and_then_who_came_first():
    async def play(crowd):
        for who in ("a", "a", "a", "a", "b"):
            await crowd.ask("clinic", who)
        assert [turn.who for turn in crowd.under_way] == ["a", "a"]
        await crowd.finish()
        assert [turn.who for turn in crowd.under_way] == ["a", "b"]
        await crowd.ask("home")
        await crowd.finish()
        assert crowd.places() == ["clinic", "home"]

    played(play, 2, 2)


def test_too_many_who_wait_are_turned_away_at_once():
    async def play(crowd):
        for _ in range(1 + 2):
            await crowd.ask("stranger")
        assert isinstance((await crowd.ask("stranger")).exception(), TurnedAway)
        assert not (await crowd.ask("home")).done()
        assert isinstance((await crowd.ask("clinic")).exception(), TurnedAway)

    played(play, 1, 1, waiting=3, waiting_of_one=2)


def test_nobody_waits_for_ever():
    async def play(crowd):
        await crowd.ask("clinic")
        with pytest.raises(TurnedAway):
            await crowd.turns.take("clinic")
        # Who has given up is not called.
        await crowd.finish()
        await crowd.ask("home")
        assert crowd.places() == ["home"]

    played(play, 1, 1, seconds=0.01)


def test_whoever_has_gone_takes_nothing_with_them():
    async def play(crowd):
        await crowd.ask("clinic")
        gone = await crowd.ask("clinic")
        called = await crowd.ask("home")
        gone.cancel()
        await settle()
        # …and one that is called in the moment in which they go.
        called.cancel()
        crowd.turns.give_back(crowd.under_way.pop())
        await settle()
        await crowd.ask("stranger")
        assert crowd.places() == ["stranger"]

    played(play, 1, 1)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.sampled_from(PLACES), st.sampled_from("ab")),
            st.tuples(st.sampled_from(["finish", "leave"]), st.integers(0, 30)),
        ),
        max_size=60,
    )
)
def test_there_is_never_room_while_somebody_waits_who_may(steps):
    at_once, of_one = 4, 2

    async def play(crowd):
        for kind, *details in steps:
            waiting = [task for task in crowd.asking if not task.done()]
            if kind == "ask":
                await crowd.ask(*details)
            elif kind == "finish" and crowd.under_way:
                await crowd.finish(details[0] % len(crowd.under_way))
            elif kind == "leave" and waiting:
                waiting[details[0] % len(waiting)].cancel()
                await settle()
            places = crowd.places()
            assert len(places) <= at_once
            assert all(places.count(place) <= of_one for place in PLACES)
            if len(places) < at_once:
                full = {place for place in PLACES if places.count(place) == of_one}
                assert {turn.place for turn in crowd.turns._waiting} <= full
        while crowd.under_way:
            await crowd.finish()
        assert all(task.done() for task in crowd.asking)

    played(play, at_once, of_one)
