"""Questions that come together are asked together, and none pays for another."""

import asyncio

import pytest
from django.db import OperationalError

from realtime.errors import Unavailable
from realtime.gathering import Gathering


class Oracle:
    """Answers with the double; keeps what it was asked at once."""

    def __init__(self, fails=ValueError):
        self.asked = []
        self.fails = fails
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, questions):
        self.asked.append(list(questions))
        await self.may_answer.wait()
        if 13 in questions:
            raise self.fails("13 is not a question")
        if 0 in questions:
            raise Unavailable("away")
        return [2 * each for each in questions]


async def test_a_lone_question_is_asked_at_once():
    oracle = Oracle()
    assert await Gathering(oracle)(4) == 8
    assert oracle.asked == [[4]]


async def test_what_comes_meanwhile_is_asked_together_and_answered_in_order():
    oracle = Oracle()
    oracle.may_answer.clear()
    gathering = Gathering(oracle)
    first = asyncio.create_task(gathering(1))
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering(each)) for each in range(2, 9)]
    while not oracle.asked:
        await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await asyncio.gather(first, *others) == [2 * each for each in range(1, 9)]
    assert oracle.asked == [[1], list(range(2, 9))]


async def test_an_answer_was_never_asked_for_before_its_question_came():
    """Or rights read before a control event could be taken for those after it."""
    oracle = Oracle()
    oracle.may_answer.clear()
    gathering = Gathering(oracle)
    first = asyncio.create_task(gathering(1))
    while not oracle.asked:
        await asyncio.sleep(0)
    same = asyncio.create_task(gathering(1))
    await asyncio.sleep(0)
    oracle.may_answer.set()
    await asyncio.gather(first, same)
    assert oracle.asked == [[1], [1]]


async def test_no_more_than_so_many_are_asked_at_once():
    oracle = Oracle()
    gathering = Gathering(oracle, most=3)
    assert await asyncio.gather(*map(gathering, range(1, 8))) == [2, 4, 6, 8, 10, 12, 14]
    assert max(map(len, oracle.asked)) == 3


async def test_one_that_cannot_be_answered_takes_nobody_with_it():
    oracle = Oracle()
    gathering = Gathering(oracle)
    answers = await asyncio.gather(*map(gathering, (5, 13, 6)), return_exceptions=True)
    assert (answers[0], type(answers[1]), answers[2]) == (10, ValueError, 12)


async def test_an_authority_that_is_away_is_not_asked_again_for_each():
    oracle = Oracle()
    gathering = Gathering(oracle)
    answers = await asyncio.gather(*map(gathering, (5, 0, 6)), return_exceptions=True)
    assert {type(each) for each in answers} == {Unavailable}
    assert len(oracle.asked) == 1


async def test_a_database_that_fails_is_not_asked_again_for_each():
    oracle = Oracle(fails=OperationalError)
    gathering = Gathering(oracle)
    answers = await asyncio.gather(*map(gathering, (5, 13, 6)), return_exceptions=True)
    assert {type(each) for each in answers} == {OperationalError}
    assert len(oracle.asked) == 1


async def test_who_has_gone_is_not_asked_for():
    oracle = Oracle()
    oracle.may_answer.clear()
    gathering = Gathering(oracle)
    first = asyncio.create_task(gathering(1))
    while not oracle.asked:
        await asyncio.sleep(0)
    gone, stays = asyncio.create_task(gathering(2)), asyncio.create_task(gathering(3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    oracle.may_answer.set()
    await asyncio.gather(first, stays)
    assert oracle.asked == [[1], [3]]


async def test_it_goes_on_after_a_failure():
    oracle = Oracle()
    gathering = Gathering(oracle)
    with pytest.raises(ValueError, match="13"):
        await gathering(13)
    assert await gathering(2) == 4
