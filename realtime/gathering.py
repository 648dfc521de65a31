"""Questions that come while others are being asked are asked together with the next ones.

When a server dies, thousands of pages come back within seconds, and each asks the same of the
authority: who is this, what may they read, write down that they listen. One question costs a dozen
ways to the database, a hundred together cost hardly more. Nobody waits for others to come: a lone
question is asked at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from realtime.errors import Unavailable

Question = TypeVar("Question")
Answer = TypeVar("Answer")

# More at once would let the first of them wait for the last.
MOST = 200


class Gathering(Generic[Question, Answer]):
    """One kind of question. For one event loop.

    `ask` answers all it is given, in their order; it is never called with none, nor again before
    it has answered. When it raises for several, each is asked alone: one that cannot be answered
    takes nobody with it.
    """

    def __init__(
        self, ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], most: int = MOST
    ) -> None:
        self._ask = ask
        self._most = most
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, question: Question) -> Answer:
        """The answer to a question that was asked after this call. Raises what `ask` raises."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_on(), name="gathering")
        return await answer

    async def _ask_on(self) -> None:
        try:
            while self._waiting:
                asked = self._waiting[: self._most]
                del self._waiting[: self._most]
                # Who has gone meanwhile (a closed socket, a patience that ended) is not asked for.
                await self._answer([each for each in asked if not each[1].done()])
        finally:
            self._asking = None
            # Only a loop that ends gets here with somebody waiting.
            for _, answer in self._waiting:
                answer.cancel()

    async def _answer(self, asked: list[tuple[Question, asyncio.Future[Answer]]]) -> None:
        if not asked:
            return
        try:
            answers = await self._ask([question for question, _ in asked])
        except (Unavailable, OperationalError, InterfaceError) as error:
            # The database, and nothing that one question is to blame for: asking each alone would
            # let the last of hundreds wait for the patience of all before it.
            _fail(asked, error)
        except Exception as error:  # noqa: BLE001 - it is raised where the question was put
            if len(asked) == 1:
                _fail(asked, error)
                return
            for each in asked:
                if not each[1].done():
                    await self._answer([each])
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(asked: list[tuple[Question, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in asked:
        if not future.done():
            future.set_exception(error)
