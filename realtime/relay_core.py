"""What the relay does next: a machine without input or output.

It is told how the last command ended and answers with the next one:

    LOOK  ── rows found ──▶ LOOK again while batches are full, PAUSE while many write, else LIE DOWN
      │                     (found while asleep: get up first)
      └── nothing ────────▶ LIE DOWN, or WAIT when already asleep
    LIE DOWN ── refused ──▶ PAUSE ▶ LOOK      a writer will commit without ringing
             └─ asleep ───▶ LOOK once more ▶ WAIT
    WAIT ── bell ─────────▶ get up and LOOK
         └─ quiet ────────▶ LOOK              the sweep, and the sign of life

Correctness rests on two rules, which the tests hold against every order of events: WAIT is reached
only through a look that began after falling asleep; and whoever finds rows gets up.
"""

from __future__ import annotations

from dataclasses import dataclass

# One batch. Larger ones move no faster, and hold the fence for longer.
BATCH = 1000

# A writer that saw us awake becomes visible within its commit: look at these intervals (seconds).
SHORTEST_PAUSE, LONGEST_PAUSE = 0.0005, 0.016

# So many rows at one look mean that many write: the next are on their way. To try to fall asleep,
# or to look again sooner than this (seconds), would only take the processor from the writers.
BUSY, BUSY_PAUSE = 4, 0.002

# While asleep, look this often without being rung: for a ringer that aborted, for a bell that kept
# silent before a full queue; and because a standby ends a leader that gave no sign for 2 seconds.
SWEEP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """Move what is in the inbox; when `getting_up`, let writers know first that we are awake."""

    getting_up: bool = False


@dataclass(frozen=True, slots=True)
class LieDown:
    """Try to fall asleep."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stay awake, and let the writers work."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep until the bell rings, at most for so long."""

    seconds: float = SWEEP_SECONDS


Command = Look | LieDown | Pause | Wait


class RelayCore:
    """The relay between two commands. Starts awake, with a look."""

    __slots__ = ("_batch", "_busy", "_pause", "is_asleep")

    def __init__(self, batch: int = BATCH, busy: int = BUSY) -> None:
        self._batch = batch
        self._busy = busy
        self._pause = SHORTEST_PAUSE
        self.is_asleep = False

    def looked(self, found: int) -> Command:
        """A look moved `found` rows."""
        if found:
            self._pause = SHORTEST_PAUSE
            if self.is_asleep:
                return self._get_up()
            if found >= self._batch:
                return Look()
            return Pause(BUSY_PAUSE) if found >= self._busy else LieDown()
        return Wait() if self.is_asleep else LieDown()

    def lay_down(self, asleep: bool) -> Command:
        """The attempt to fall asleep was answered."""
        if asleep:
            self.is_asleep = True
            return Look()
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return Pause(pause)

    def paused(self) -> Command:
        """A pause is over."""
        return Look()

    def waited(self, rang: bool) -> Command:
        """The wait ended, by the bell or by itself."""
        return self._get_up() if rang else Look()

    def _get_up(self) -> Command:
        self.is_asleep = False
        return Look(getting_up=True)
