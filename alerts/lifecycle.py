"""The life of an alert. Pure: a state and what happens go in, a turn comes out.

raised → told, step by step → acknowledged → acted → closed; beside it snoozed, superseded, and
re-raised when an acknowledgement expires (clinical.md 6.4). What must hold of every state:

* A critical or urgent alert that is not closed has exactly one next step, with a due time.
* While nobody answers, somebody is told again within `Plan.longest_silence`, for ever.
* A critical alert closes only after a person acknowledged it, or because its value was wrong or a
  more severe alert took its place.

`alerts.actions` locks the row, asks here, and writes what the turn says.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from alerts.errors import (
    AlreadyAcknowledged,
    AlreadyClosed,
    NotAcknowledged,
    NoteMissing,
    SnoozeRefused,
)
from alerts.escalation import Plan, Target, Told
from alerts.models.alert import Outcome, Phase
from alerts.models.record import AlertRecord
from alerts.models.severity import Severity
from alerts.models.step import StepKind

Kind = AlertRecord.Kind

# How long somebody to whom an alert was handed has before the policy begins.
HAND_OVER_PATIENCE = timedelta(minutes=5)
SNOOZE_AT_MOST = {
    Severity.CRITICAL: timedelta(minutes=60),
    Severity.URGENT: timedelta(hours=24),
    Severity.NOTICE: timedelta(hours=24),
}


@dataclass(frozen=True)
class Next:
    """What comes next, and when."""

    kind: StepKind
    due_at: datetime
    position: int = 0


@dataclass(frozen=True)
class State:
    """An alert, as far as its life depends on it."""

    severity: Severity
    phase: Phase
    direction: str = ""
    round: int = 0
    count: int = 1
    worst: Decimal | None = None
    last: Decimal | None = None
    owner: UUID | None = None
    until: datetime | None = None
    next: Next | None = None
    outcome: Outcome | None = None

    @property
    def is_closed(self) -> bool:
        return self.phase is Phase.CLOSED

    def is_worse(self, value: Decimal | None) -> bool:
        """Whether a value is beyond the worst one so far."""
        return is_worse(value, self.worst, self.direction)


@dataclass(frozen=True)
class Entry:
    """One line for the alert's history."""

    kind: Kind
    user: UUID | None = None
    to: UUID | None = None
    note: str = ""
    value: Decimal | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Turn:
    """What follows from something that happened.

    `tell` is told now, by the step at `telling` of the round, if it is one. `cancels` says that
    whoever has not been reached yet need not be any more.
    """

    state: State
    entries: tuple[Entry, ...] = ()
    tell: tuple[Target, ...] = ()
    cancels: bool = False


def is_worse(value: Decimal | None, than: Decimal | None, direction: str) -> bool:
    """Whether a value lies beyond another; of two that are not numbers neither is worse."""
    if value is None or than is None:
        return False
    return value < than if direction == "low" else value > than


# What observations do --------------------------------------------------------------------------


def raised(
    severity: Severity, direction: str, value: Decimal | None, plan: Plan, now: datetime
) -> Turn:
    """A value met a rule, and no alert of this condition is open."""
    state = State(severity, Phase.OPEN, direction, worst=value, last=value)
    return _begun(state, plan, now, (Entry(Kind.RAISED, value=value),))


def repeated(state: State, plan: Plan, now: datetime, value: Decimal | None) -> Turn:
    """Another value of the same condition: counted, and a worse one breaks a snooze."""
    _refuse_closed(state)
    is_worse = state.is_worse(value)
    entry = Entry(Kind.WORSENED if is_worse else Kind.REPEATED, value=value)
    counted = replace(
        state,
        count=state.count + 1,
        last=value,
        worst=value if is_worse else state.worst,
    )
    if is_worse and state.phase is Phase.SNOOZED:
        return _begun(_reopened(counted), plan, now, (entry, Entry(Kind.WOKEN)))
    if is_worse and state.phase is Phase.ACKNOWLEDGED and state.owner is not None:
        return Turn(counted, (entry,), tell=(_owner(state.owner),))
    return Turn(counted, (entry,))


def recovered(state: State, now: datetime, value: Decimal | None) -> Turn:
    """A later value is in range: this closes an urgent alert or a notice, never a critical one."""
    _refuse_closed(state)
    seen = replace(state, last=value)
    entry = Entry(Kind.IN_RANGE, value=value)
    if state.severity is Severity.CRITICAL:
        return Turn(seen, (entry,))
    return _closed(seen, Outcome.RECOVERED, (entry,))


def corrected(state: State, now: datetime, left: tuple[Decimal | None, ...]) -> Turn:
    """A value was taken back; `left` are those that still stand, in order of their time."""
    _refuse_closed(state)
    entry = Entry(Kind.CORRECTED)
    if not left:
        return _closed(replace(state, count=0), Outcome.WRONG_VALUE, (entry,))
    known = [value for value in left if value is not None]
    worst = (min(known) if state.direction == "low" else max(known)) if known else None
    return Turn(replace(state, count=len(left), worst=worst, last=left[-1]), (entry,))


def superseded(state: State, now: datetime) -> Turn:
    """A more severe alert of the same condition takes its place."""
    _refuse_closed(state)
    return _closed(state, Outcome.SUPERSEDED, ())


# What the clock does ---------------------------------------------------------------------------


def due(state: State, plan: Plan, now: datetime) -> Turn | None:
    """The next step, if its time has come; None if it has not, or there is none."""
    step = state.next
    if step is None or step.due_at > now or state.is_closed:
        return None
    if step.kind is StepKind.TELL:
        return _told(state, plan, now, step.position, ())
    if step.kind is StepKind.WAKE:
        return _begun(_reopened(state), plan, now, (Entry(Kind.WOKEN),))
    # An acknowledgement that was not followed by an end: its owner and whoever is on call now.
    turn = _begun(_reopened(state), plan, now, (Entry(Kind.EXPIRED, user=state.owner),))
    acker = () if state.owner is None else (_owner(state.owner),)
    return replace(turn, tell=tuple(dict.fromkeys((*acker, *turn.tell, *plan.on_call))))


# What people do --------------------------------------------------------------------------------


def acknowledged(state: State, plan: Plan, now: datetime, by: UUID, note: str = "") -> Turn:
    """Somebody takes it. Raises AlreadyAcknowledged when another has it, AlreadyClosed."""
    _refuse_closed(state)
    if state.phase is Phase.ACKNOWLEDGED and state.owner != by:
        raise AlreadyAcknowledged(state.owner)
    held = _held(state, plan, now, by)
    entry = Entry(Kind.ACKNOWLEDGED, user=by, note=note, until=held.until)
    return Turn(held, (entry,), cancels=True)


def acted(state: State, plan: Plan, now: datetime, by: UUID, note: str) -> Turn:
    """Somebody did something about it: says what, and holds it for another while."""
    _refuse_closed(state)
    if not note.strip():
        raise NoteMissing("Say what was done, in one line.")
    entries: tuple[Entry, ...] = (Entry(Kind.ACTED, user=by, note=note),)
    if state.phase is Phase.ACKNOWLEDGED and state.owner != by:
        return Turn(state, entries)
    held = _held(state, plan, now, by)
    if state.phase is not Phase.ACKNOWLEDGED:
        entries = (Entry(Kind.ACKNOWLEDGED, user=by, until=held.until), *entries)
    return Turn(held, entries, cancels=True)


def handed_over(
    state: State, plan: Plan, now: datetime, by: UUID, to: UUID, note: str = ""
) -> Turn:
    """Somebody else is asked to take it; if they do not answer, the policy begins."""
    _refuse_closed(state)
    open_again = replace(
        _reopened(state), next=_next(state, Next(StepKind.TELL, now + HAND_OVER_PATIENCE))
    )
    entry = Entry(Kind.HANDED_OVER, user=by, to=to, note=note)
    return Turn(open_again, (entry,), tell=(_person(to),), cancels=True)


def escalated(state: State, plan: Plan, now: datetime, by: UUID, note: str = "") -> Turn:
    """Somebody wants the next one told now instead of later."""
    _refuse_closed(state)
    waiting = state.next
    if state.phase is Phase.OPEN and waiting is not None:
        position = waiting.position
    else:
        # Whoever held it wants help: the first of the policy were told before them.
        state, position = _reopened(state), min(1, len(plan.steps) - 1)
    return _told(state, plan, now, position, (Entry(Kind.ESCALATED, user=by, note=note),))


def snoozed(state: State, now: datetime, by: UUID, until: datetime, reason: str) -> Turn:
    """Not now. Bounded; raises SnoozeRefused when too long, past, or without a reason."""
    _refuse_closed(state)
    most = SNOOZE_AT_MOST[state.severity]
    if not now < until <= now + most:
        hours = most / timedelta(hours=1)
        raise SnoozeRefused(
            f"Snooze this alert for {hours:g} hours at most."
            if hours > 1
            else "Snooze this alert for 60 minutes at most."
        )
    if not reason.strip():
        raise SnoozeRefused("Say why it can wait.")
    quiet = replace(
        state, phase=Phase.SNOOZED, owner=by, until=until, next=Next(StepKind.WAKE, until)
    )
    entry = Entry(Kind.SNOOZED, user=by, note=reason, until=until)
    return Turn(quiet, (entry,), cancels=True)


def closed(state: State, now: datetime, by: UUID, outcome: Outcome, note: str = "") -> Turn:
    """Somebody ends it, as done or as not needed. Raises NotAcknowledged, NoteMissing."""
    _refuse_closed(state)
    if state.severity is Severity.CRITICAL and state.phase is not Phase.ACKNOWLEDGED:
        raise NotAcknowledged
    if outcome is Outcome.NOT_NEEDED and not note.strip():
        raise NoteMissing("Say why nothing was needed.")
    return _closed(state, outcome, (), user=by, note=note)


# The pieces ------------------------------------------------------------------------------------


def _begun(state: State, plan: Plan, now: datetime, entries: tuple[Entry, ...]) -> Turn:
    """The first step of a round: at once, when the policy does not wait."""
    if state.severity is Severity.NOTICE:
        return Turn(state, entries, tell=(plan.target(0),))
    wait = plan.wait(0)
    if wait:
        return Turn(replace(state, next=Next(StepKind.TELL, now + wait)), entries)
    return _told(state, plan, now, 0, entries)


def _told(
    state: State, plan: Plan, now: datetime, position: int, entries: tuple[Entry, ...]
) -> Turn:
    following = Next(StepKind.TELL, now + plan.wait(position + 1), position + 1)
    return Turn(
        replace(state, next=_next(state, following)), entries, tell=(plan.target(position),)
    )


def _held(state: State, plan: Plan, now: datetime, by: UUID) -> State:
    until = now + plan.acknowledged_for
    if state.severity is Severity.NOTICE:
        return replace(state, phase=Phase.ACKNOWLEDGED, owner=by, until=None, next=None)
    return replace(
        state,
        phase=Phase.ACKNOWLEDGED,
        owner=by,
        until=until,
        next=Next(StepKind.EXPIRE, until),
    )


def _reopened(state: State) -> State:
    return replace(
        state, phase=Phase.OPEN, round=state.round + 1, owner=None, until=None, next=None
    )


def _closed(
    state: State,
    outcome: Outcome,
    entries: tuple[Entry, ...],
    user: UUID | None = None,
    note: str = "",
) -> Turn:
    ended = replace(state, phase=Phase.CLOSED, outcome=outcome, until=None, next=None)
    entry = Entry(Kind.CLOSED, user=user, note=note)
    return Turn(ended, (*entries, entry), cancels=True)


def _next(state: State, following: Next) -> Next | None:
    """A notice is a row in a list: nothing follows it."""
    return None if state.severity is Severity.NOTICE else following


def _person(user: UUID) -> Target:
    return Target(Told.PERSON, str(user))


def _owner(user: UUID) -> Target:
    return Target(Told.OWNER, str(user))


def _refuse_closed(state: State) -> None:
    if state.is_closed:
        raise AlreadyClosed
