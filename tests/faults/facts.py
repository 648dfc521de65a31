"""What writers, clients and the database say of one run: plain facts, nothing of the engine.

Times are seconds of one monotonic clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# A row and its version: what a writer wrote, and what an event tells of.
Fact = tuple[str, int]

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclass(frozen=True)
class Write:
    """One transaction of one writer, as the writer saw it.

    `unknown`: the answer to the commit never came. `failed`: it was never committed.
    """

    writer: str
    began: float
    ended: float
    outcome: str
    facts: tuple[Fact, ...]
    error: str = ""


@dataclass(frozen=True)
class Logged:
    """An event of the log about a fact."""

    seq: int
    patient: str
    fact: Fact


@dataclass(frozen=True)
class Right:
    """Somebody may read a patient's events: after position `since`, up to `until`.

    `granted` and `revoked` are the moments at which the changes were asked for, `ended` the one at
    which the end was known to be committed.
    """

    user: str
    patient: str
    since: int = 0
    until: int | None = None
    granted: float = float("-inf")
    revoked: float = float("inf")
    ended: float = float("inf")


@dataclass(frozen=True)
class Heard:
    """A client received an event: whether as a frame or as an answer to its poll.

    It was told after the moment `asked`: when the client put the latest question (a poll, a join, a
    heartbeat) that had been answered by then. `by` is the web process whose memory it came from,
    "" when it was read from the database for this answer; `is_live` says that the client had its
    whole history before, so that the process knows at least as much as it tells.
    """

    at: float
    epoch: str
    seq: int
    patient: str
    fact: Fact
    asked: float = float("-inf")
    by: str = ""
    is_live: bool = False


@dataclass(frozen=True)
class Resynced:
    """A client was told that nothing leads from its cursor to `upto`: it read everything anew."""

    at: float
    epoch: str
    upto: int


@dataclass(frozen=True)
class Client:
    """What one client lived through, in the order in which it came."""

    name: str
    user: str
    since: int
    heard: Sequence[Heard | Resynced]
    # The position up to which it was told that it knows everything.
    position: int = 0


@dataclass(frozen=True)
class Sample:
    """A look at the relay's row while the run lasted."""

    leader_epoch: int
    last_seq: int


@dataclass(frozen=True)
class Gauge:
    """What one process held at one moment; `database` counts connections."""

    name: str
    kilobytes: int
    files: int


@dataclass(frozen=True)
class Bounds:
    """More than this of anything is a leak."""

    kilobytes: int = 600_000
    files: int = 400
    connections: int = 90


@dataclass(frozen=True)
class Truth:
    """The database at the end, and what was seen of it and of the processes meanwhile."""

    epoch: str
    seqs: Sequence[int]  # every position of the log, whatever it holds
    oldest: int
    head: int
    events: Sequence[Logged]
    rows: dict[str, int]  # the version of each row
    samples: Sequence[Sample] = ()
    gauges: Sequence[Gauge] = ()
    connections: Sequence[int] = ()
    # From when to when the database was away: only then may a write fail.
    absences: Sequence[tuple[float, float]] = ()
    # How long after the last write every client knew everything; None = never.
    settled: float | None = 0.0
    settle_within: float = 60.0
