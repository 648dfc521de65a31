"""The ways from one process to the database: the engine's connection, an authority, a reader.

What is asked travels, is answered as of one moment, and the answer travels back. A way may be
refused or stand still; what stood still answers late, when nobody may be waiting any more.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from random import Random
from typing import Any

import psycopg
from django.db import OperationalError

from realtime import replay
from realtime.authority import Identity
from realtime.cursor import LAST
from tests.realtime.simulation import errands
from tests.realtime.simulation.truth import Truth, moment

WELL, REFUSED, STILL = "well", "refused", "still"

# How often an errand looks whether what stands still moves again.
_LOOK_SECONDS = 0.25

# Under whose policies an errand reads.
_READER: ContextVar[Identity] = ContextVar("_READER")


class Way:
    """From one process to the database and back."""

    def __init__(
        self, truth: Truth, dice: Random, pace: float, passed: Callable[[str, str], None]
    ) -> None:
        self.truth, self.dice, self.pace = truth, dice, pace
        self.state = WELL
        # Told of each answer, and of whom it was, before it travels back.
        self.passed = passed

    def delay(self) -> float:
        """Seconds of one direction: mostly little, now and then much."""
        dice = self.dice
        return dice.choice((0.0, 0.001, dice.uniform(0, 0.02), dice.uniform(0, self.pace)))

    async def travel(self) -> None:
        """One direction. Raises psycopg.OperationalError."""
        await asyncio.sleep(self.delay())
        while self.state == STILL:
            await asyncio.sleep(_LOOK_SECONDS)
        if self.state == REFUSED:
            raise psycopg.OperationalError("the database is away")

    def travel_in_an_errand(self) -> None:
        """The same for blocking code. Raises Django's OperationalError."""
        errands.wait(self.delay())
        while self.state == STILL:
            errands.wait(_LOOK_SECONDS)
        if self.state == REFUSED:
            raise OperationalError("the database is away")


class EngineLine:
    """A connection of the engine's role, as `realtime.log` uses one."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self.closed = False
        self.row_factory: object = None

    async def execute(self, _statement: str, asked: Mapping[str, int]) -> "Rows":
        await self._way.travel()
        rows = self._way.truth.after(asked["after"], asked["newest"], asked["limit"])
        await self._way.travel()
        return Rows(rows)

    async def close(self) -> None:
        self.closed = True


class Rows:
    """What a statement brought."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    async def fetchall(self) -> list[dict[str, Any]]:
        return self._rows


class Authority:
    """Answers from the truth, each question as of one moment."""

    def __init__(self, way: Way, has_policies: bool) -> None:
        self.way = way
        # With the policies of the tables down, the grants have to hold alone.
        self._has_policies = has_policies

    def identify(self, scope: Mapping[str, Any]) -> Identity | None:
        return self._asked(self._identity, scope)

    def grants(self, identity: Identity) -> Mapping[str, datetime | None] | None:
        return self._asked(self._grants, identity)

    def still_valid(self, identities: AbstractSet[Identity]) -> Mapping[Identity, datetime | None]:
        return self._asked(self._still_valid, identities)

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        self._asked(lambda: None)

    @contextmanager
    def reading(self, identity: Identity) -> Iterator[None]:
        token = _READER.set(identity)
        yield
        _READER.reset(token)

    def run(self, statement: str, asked: Any) -> list[tuple[Any, ...]]:
        """A statement of replay or polling, under the policies of whoever reads."""
        if statement == replay._HISTORY:
            return self._asked(self._history, asked)
        if "realtime_silence" in statement:
            return self._asked(self._silence)
        if "realtime_rights_changed" in statement:
            return self._asked(self._rights_changed, *asked)
        return self._asked(lambda: [(self.way.truth.log.epoch, self.way.truth.log.head)])

    def _asked(self, answer: Any, *question: Any) -> Any:
        self.way.travel_in_an_errand()
        found = answer(*question)
        self.way.travel_in_an_errand()
        return found

    def _identity(self, scope: Mapping[str, Any]) -> Identity | None:
        token = dict(scope["headers"])[b"cookie"].decode().partition("=")[2]
        self.way.passed("identified", token)
        return self.way.truth.identity(token)

    def _grants(self, identity: Identity) -> Mapping[str, datetime | None] | None:
        truth = self.way.truth
        self.way.passed("granted", identity.session)
        if not truth.sessions[identity.session].lives(truth.now()):
            return None
        return truth.granted(identity.user_id)

    def _still_valid(self, identities: AbstractSet[Identity]) -> dict[Identity, datetime | None]:
        truth = self.way.truth
        in_order = sorted(identities, key=lambda identity: identity.session)
        return {each: None for each in in_order if truth.sessions[each.session].lives(truth.now())}

    def _history(self, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        truth = self.way.truth
        log, reader = truth.log, _READER.get()
        topics = set(truth.granted(reader.user_id)) if self._has_policies else None
        about = (log.epoch, log.oldest, log.head)
        last = min(log.head, asked["reach"], LAST)
        rows = [
            about + tuple(row.values())
            for seq in range(max(asked["since"] + 1, log.oldest), last + 1)
            if (row := log.rows[seq])["kind"] != "control"
            and row["table_name"] in (None, *asked["tables"])
            and (topics is None or row["kind"] == "resync" or topics & set(row["topics"]))
        ]
        return rows[: asked["limit"]] or [(*about, None)]

    def _silence(self) -> list[tuple[Any, ...]]:
        truth = self.way.truth
        return [(moment(truth.now()), truth.silence)]

    def _rights_changed(self, user: str, since: int, upto: int) -> list[tuple[bool]]:
        log = self.way.truth.log
        changed = any(
            row["kind"] == "control"
            and f"user:{user}" in row["topics"]
            and row["operation"] == "grants"
            for seq in range(since + 1, upto + 1)
            if (row := log.rows.get(seq)) is not None
        )
        return [(changed,)]


class ManyAtOnce(Authority):
    """An authority that answers a herd in one go."""

    def identify_all(self, scopes: Sequence[Mapping[str, Any]]) -> list[Identity | None]:
        return self._asked(lambda: [self._identity(each) for each in scopes])

    def grants_of(
        self, identities: Sequence[Identity]
    ) -> list[Mapping[str, datetime | None] | None]:
        return self._asked(lambda: [self._grants(each) for each in identities])

    def joined_all(self, joins: Sequence[Any]) -> None:
        self._asked(lambda: None)


class Connections:
    """Django's connections, as replay, polling and position use them."""

    def __init__(self, authority: Any) -> None:
        self._authority = authority  # of the process that asks

    def __getitem__(self, _alias: str) -> "Connections":
        return self

    @contextmanager
    def cursor(self) -> Iterator["Cursor"]:
        yield Cursor(self._authority())


class Cursor:
    """One of Django's."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, statement: str, asked: Any = ()) -> None:
        self._rows = self._authority.run(statement, asked)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...]:
        return self._rows[0]
