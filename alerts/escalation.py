"""Who is told, in which order, how long after one another: a policy, read. Pure.

A plan never ends: after its rounds the fallback role is told, again and again. That is what makes
silence impossible whoever does not answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from alerts.errors import PolicyUnusable

LONGEST_WAIT = timedelta(hours=4)
# The longest that an alert may rest, with whoever took it or between two rounds: each shift, and
# each day, somebody hears of it again. In minutes, as a policy keeps them.
LONGEST_REST = 24 * 60
ROLES = ("nurse", "clinician", "admin")


class Told(StrEnum):
    """The kinds of somebody."""

    CARE_TEAM = "care_team"
    ROLE = "role"
    ON_CALL = "on_call"
    PERSON = "person"
    # Whoever has the alert, as long as they may still answer for it. Not a policy's to name.
    OWNER = "owner"


@dataclass(frozen=True)
class Target:
    """Somebody to tell: `who` is a role, the id of a rota, or the id of a user."""

    kind: Told
    who: str = ""


@dataclass(frozen=True)
class PlanStep:
    """Wait, counted from the step before, then tell."""

    wait: timedelta
    target: Target


@dataclass(frozen=True)
class Plan:
    """A version of a policy. Positions count the tellings of a round from 0, without end."""

    steps: tuple[PlanStep, ...]
    repeats: int
    every: timedelta
    acknowledged_for: timedelta
    fallback: Target

    def target(self, position: int) -> Target:
        """Whom the telling at `position` tells."""
        if position >= self._planned:
            return self.fallback
        return self.steps[position % len(self.steps)].target

    def wait(self, position: int) -> timedelta:
        """How long after the telling before it (or after the alert was raised) it is due."""
        if position >= self._planned:
            return self.every
        index = position % len(self.steps)
        if index == 0 and position > 0:
            return max(self.every, self.steps[0].wait)
        return self.steps[index].wait

    def is_fallback(self, position: int) -> bool:
        """Whether the policy has run out, so that the fallback role is told."""
        return position >= self._planned

    @property
    def on_call(self) -> tuple[Target, ...]:
        """The rotas whose person on call the plan tells."""
        return tuple(
            dict.fromkeys(step.target for step in self.steps if step.target.kind == Told.ON_CALL)
        )

    @property
    def longest_silence(self) -> timedelta:
        """The longest time between two tellings while nobody answers."""
        return max(self.every, *(step.wait for step in self.steps))

    @property
    def _planned(self) -> int:
        return len(self.steps) * (self.repeats + 1)


def plan_of(
    *,
    steps: Sequence[Mapping[str, Any]],
    repeats: int,
    every: int,
    acknowledged_for: int,
    fallback_role: str,
) -> Plan:
    """Read a policy as it is kept; times are in minutes. Raises PolicyUnusable, saying why."""
    if not steps:
        raise PolicyUnusable("A policy needs at least one step.")
    if every < 1 or acknowledged_for < 1:
        raise PolicyUnusable(
            "Times between rounds, and of acknowledgements, are one minute or more."
        )
    if every > LONGEST_REST or acknowledged_for > LONGEST_REST:
        raise PolicyUnusable(
            "Times between rounds, and of acknowledgements, are 24 hours (1440 minutes) at most."
        )
    if fallback_role not in ROLES:
        raise PolicyUnusable(f"“{fallback_role}” is not a role.")
    return Plan(
        steps=tuple(_step(number, step) for number, step in enumerate(steps, start=1)),
        repeats=repeats,
        every=timedelta(minutes=every),
        acknowledged_for=timedelta(minutes=acknowledged_for),
        fallback=Target(Told.ROLE, fallback_role),
    )


def _step(number: int, step: Mapping[str, Any]) -> PlanStep:
    try:
        wait = timedelta(minutes=float(step["wait"]))
        target = Target(Told(step["tell"]), str(step.get("who") or ""))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PolicyUnusable(f"Step {number} cannot be read.") from error
    if not timedelta() <= wait <= LONGEST_WAIT:
        raise PolicyUnusable(f"Step {number} may wait four hours at most.")
    if target.kind is Told.OWNER:
        raise PolicyUnusable(f"Step {number} cannot be read.")
    if target.kind is Told.ROLE and target.who not in ROLES:
        raise PolicyUnusable(f"Step {number} names no role.")
    if target.kind in (Told.ON_CALL, Told.PERSON) and not _is_id(target.who):
        raise PolicyUnusable(f"Step {number} names nobody.")
    return PlanStep(wait, target)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
