"""The database as it truly is: the log, the inbox, who may read what. And what to hold against it.

Everything takes effect at one moment: a change of rights counts from its commit on, an event is in
the log when the relay has moved it there. Afterwards the same facts are told in the words of
`tests.faults.facts`, once for each log there was, because numbers mean something in one log only.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from realtime.authority import Identity
from tests.faults.clients import TABLE
from tests.faults.facts import Logged, Right, Write
from tests.faults.facts import Truth as Facts

ORGANIZATION = "harbour"
STARTED = 1_800_000_000.0  # what the clock on the wall says when a world begins
FOR_EVER = float("inf")
NEVER = 1 << 60  # a position that no log reaches


@dataclass
class Turn:
    """Something a control event tells of: when it was committed, and its position in each log."""

    at: float
    seqs: dict[str, int] = field(default_factory=dict)


@dataclass
class Grant:
    """A user may read a patient, from `given` until `taken` or a moment of the clock."""

    user: str
    patient: str
    given: Turn
    until: float = FOR_EVER
    taken: Turn | None = None

    def holds(self, now: float) -> bool:
        return self.taken is None and now < self.until


@dataclass
class Session:
    """Somebody is signed in; `ended` when they, or the clock, ended it."""

    token: str
    user: str
    until: float = FOR_EVER
    ended: Turn | None = None

    def lives(self, now: float) -> bool:
        return self.ended is None and now < self.until


@dataclass
class Log:
    """One log: from the moment it took its predecessor's place on."""

    epoch: str
    began: float
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    moved: dict[int, float] = field(default_factory=dict)  # when
    committed: dict[int, float] = field(default_factory=dict)
    head: int = 0
    oldest: int = 1
    replaced: float = FOR_EVER


class Truth:
    """One database. `now` says what time it is, in seconds since the world began."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.logs = [Log("e0", now())]
        self.inbox: deque[tuple[dict[str, Any], float, Turn | None]] = deque()
        self.grants: list[Grant] = []
        self.sessions: dict[str, Session] = {}
        self.writes: list[Write] = []
        self.beat = now()  # the relay's last sign of life
        self._rows = 0
        self._turns: list[Turn] = []

    @property
    def log(self) -> Log:
        return self.logs[-1]

    @property
    def position(self) -> str:
        return f"{self.log.epoch}:{self.log.head}"

    @property
    def silence(self) -> float:
        return self.now() - self.beat

    # Commits ---------------------------------------------------------------------------------

    def write(self, writer: str, patient: str) -> None:
        """A row about a patient."""
        row, now = f"row {self._rows}", self.now()
        self._rows += 1
        record = {"id": row, "patient_id": patient, "code": "made-0"}
        self.commit(
            {
                "topics": [f"patient:{patient}"],
                "table_name": TABLE,
                "row_id": row,
                "operation": "INSERT",
                "record": json.dumps(record),
            }
        )
        self.writes.append(Write(writer, now, now, "ok", ((row, 0),)))

    def order_to_resync(self) -> None:
        """Something changed that could not be told."""
        self.commit({"kind": "resync"})

    def give(self, user: str, patient: str, until: float = FOR_EVER) -> None:
        """A right is given."""
        turn = self._control(user, "grants")
        self.grants.append(Grant(user, patient, turn, until))

    def take(self, grant: Grant) -> None:
        """A right is taken; or was over by the clock, and this tells of it."""
        grant.taken = self._control(grant.user, "grants")

    def sign_in(self, user: str, until: float = FOR_EVER) -> Session:
        """Another session of a user."""
        session = Session(f"session {len(self.sessions)}", user, until)
        self.sessions[session.token] = session
        return session

    def sign_out(self, session: Session) -> None:
        """A session is ended."""
        session.ended = self._control(
            session.user, "session_ended", json.dumps({"session": session.token})
        )

    def _control(self, user: str, operation: str, record: str | None = None) -> Turn:
        turn = Turn(self.now())
        self._turns.append(turn)
        told = {"kind": "control", "topics": [f"user:{user}"], "operation": operation}
        self.commit(told | {"record": record}, turn)
        return turn

    def commit(self, values: dict[str, Any], turn: Turn | None = None) -> None:
        """Into the inbox."""
        self.inbox.append((values, self.now(), turn))

    # The relay, retention, restores ------------------------------------------------------------

    def move(self, most: int) -> list[dict[str, Any]]:
        """What the relay does: number the oldest of the inbox. The new rows of the log."""
        log, now = self.log, self.now()
        moved = []
        while self.inbox and len(moved) < most:
            values, committed, turn = self.inbox.popleft()
            log.head += 1
            if turn is not None:
                turn.seqs[log.epoch] = log.head
            moved.append(_row(log.head, STARTED + committed, values))
            log.rows[log.head] = moved[-1]
            log.moved[log.head], log.committed[log.head] = now, committed
        return moved

    def drop_history(self, keep: int) -> None:
        """All but the newest so many are forgotten."""
        self.log.oldest = max(self.log.oldest, self.log.head - keep + 1)

    def replace_log(self, losing: int) -> None:
        """A restore or failover: the newest so many events are gone, and the log is another one."""
        old, now = self.log, self.now()
        kept = max(old.oldest - 1, old.head - losing)
        old.replaced = now
        new = Log(f"e{len(self.logs)}", now, head=kept, oldest=old.oldest)
        for seq in range(1, kept + 1):
            new.rows[seq] = old.rows[seq]
            new.moved[seq], new.committed[seq] = old.moved[seq], old.committed[seq]
        for turn in self._turns:
            if turn.seqs.get(old.epoch, NEVER) <= kept:
                turn.seqs[new.epoch] = turn.seqs[old.epoch]
        self.logs.append(new)

    # Questions -------------------------------------------------------------------------------

    def after(self, seq: int, newest: int, limit: int) -> list[dict[str, Any]]:
        """The engine's view of the log, as `realtime.log` asks for it."""
        log = self.log
        first = max(seq, log.head - newest, log.oldest - 1) + 1
        about = {
            "epoch": log.epoch,
            "oldest": log.oldest,
            "head": log.head,
            "said": STARTED + self.now(),
            "silence": self.silence,
        }
        rows = [
            about | log.rows[each] for each in range(first, min(log.head, first + limit - 1) + 1)
        ]
        return rows or [about | {"seq": None}]

    def granted(self, user: str) -> dict[str, datetime | None]:
        """The topics a user may read now, each with the moment at which the clock ends it."""
        now = self.now()
        return {f"organization:{ORGANIZATION}": None} | {
            f"patient:{each.patient}": moment(each.until)
            for each in self.grants
            if each.user == user and each.holds(now)
        }

    def identity(self, token: str) -> Identity | None:
        """Who is signed in by a session."""
        session = self.sessions[token]
        if not session.lives(self.now()):
            return None
        return Identity(session.user, ORGANIZATION, token, expires_at=moment(session.until))

    def head_at(self, epoch: str, moment: float, times: str) -> int:
        """How far a log had come at a moment, by when it was `moved` or `committed`."""
        log = next(each for each in self.logs if each.epoch == epoch)
        return max((seq for seq, at in getattr(log, times).items() if at < moment), default=0)

    # Afterwards ------------------------------------------------------------------------------

    def facts(self, log: Log) -> Facts:
        """One of the logs, for the checker."""
        events = [
            Logged(seq, _patient(row), (row["row_id"], 0))
            for seq, row in log.rows.items()
            if row["table_name"] == TABLE
        ]
        return Facts(
            epoch=log.epoch,
            seqs=sorted(log.rows),
            oldest=1,  # whatever retention dropped: the world knows it all
            head=log.head,
            events=events,
            rows={event.fact[0]: 0 for event in events},
        )

    def rights(self, log: Log) -> list[Right]:
        """Who could read what of one log, for the checker: each session is a user of its own."""
        return [
            self._right(log, session, grant)
            for session in self.sessions.values()
            for grant in self.grants
            if grant.user == session.user
        ]

    def _right(self, log: Log, session: Session, grant: Grant) -> Right:
        clock = min(grant.until, session.until)
        turns = [turn for turn in (grant.taken, session.ended) if turn is not None]
        ends = [(self._place(log, turn), turn.at) for turn in turns]
        if clock < self.now():
            ends.append((self._place_by_the_clock(log, clock), clock))
        return Right(
            user=session.token,
            patient=grant.patient,
            since=self._place(log, grant.given),
            until=min((seq for seq, _ in ends), default=None),
            granted=grant.given.at,
            revoked=min((at for _, at in ends), default=FOR_EVER),
            ended=min((at for _, at in ends), default=FOR_EVER),
        )

    def _place(self, log: Log, turn: Turn) -> int:
        """Where a log tells of a turn: 0 when it was true before, NEVER when only a later log does.

        What was told of in a tail that was lost is true from the beginning of the next log.
        """
        if log.epoch in turn.seqs:
            return turn.seqs[log.epoch]
        earlier = self.logs[: self.logs.index(log)]
        return 0 if any(each.epoch in turn.seqs for each in earlier) else NEVER

    def _place_by_the_clock(self, log: Log, moment: float) -> int:
        """The first position that is not told any more because a moment has come."""
        if moment <= log.began:
            return 0
        if moment >= log.replaced:
            return NEVER
        return self.head_at(log.epoch, moment, "moved") + 1


def moment(seconds: float) -> datetime | None:
    """A moment of the world as the engine knows it; None for never."""
    return None if seconds == FOR_EVER else datetime.fromtimestamp(STARTED + seconds, UTC)


def _patient(row: dict[str, Any]) -> str:
    return row["topics"][0].removeprefix("patient:")


def _row(seq: int, committed: float, values: dict[str, Any]) -> dict[str, Any]:
    """A row of the log, as a query returns it."""
    row: dict[str, Any] = {
        "seq": seq,
        "organization_id": ORGANIZATION,
        "kind": "change",
        "topics": [],
        "table_name": None,
        "row_id": None,
        "operation": None,
        "record": None,
        "old_record": None,
        "created_at": datetime.fromtimestamp(committed, UTC).isoformat(),
    }
    return row | values
