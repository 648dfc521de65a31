"""When is a measure that is not well a finding, and when is it over? (R27) Pure; knows no table.

A finding begins when its measure has been beyond its bound for as long as the rule asks, and ends
when it has been clearly within it for as long: what goes to and fro about the bound is one finding
and not many. Each rule judges a check of `health`, by one of its two bounds.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from portal.operations import figures, health
from portal.operations.health import Check, Measure

# Clearly within: not just below the bound.
CLEARLY = 0.8

AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Rule:
    """What is looked at, how long it must last, and how it is said."""

    measure: Measure
    bound: float
    words: str
    lasts: timedelta = AT_ONCE
    quiet: timedelta = timedelta(minutes=2)
    suffix: str = ""
    # Another number is another finding, and told of: one that is known must not hide the next.
    tells_anew: bool = False

    @property
    def name(self) -> str:
        return self.measure.name

    def reason(self, check: Check) -> str:
        """Why, in words, with the numbers that decided."""
        lasted = f" for {int(self.lasts.total_seconds())} s" if self.lasts else ""
        if self.measure.said is figures.yes_or_no or check.value is None:
            return self.words + lasted
        value, bound = self.measure.said(check.value), self.measure.said(self.bound)
        return f"{self.words} {value}{self.suffix}{lasted}; bound {bound}"

    def is_beyond(self, check: Check) -> bool:
        return check.is_beyond(self.bound)

    def is_clearly_within(self, check: Check) -> bool:
        if check.value is None:
            return True
        if check.red < check.yellow:
            # Less is worse, and one is best: halfway between bound and best.
            return not check.is_beyond((1 + self.bound) / 2)
        return not check.is_beyond(self.bound * CLEARLY)


# For five minutes the burst of a restart is in a measure of five minutes: it must outlast that.
AFTER_A_BURST = timedelta(minutes=6)

RULES = (
    Rule(
        health.NO_HUB,
        health.NO_HUB.red,
        "No web process gives a sign of life",
        lasts=timedelta(minutes=1),
    ),
    Rule(
        health.SILENT,
        health.SILENT.yellow,
        "Web processes that hang, or ended without a goodbye:",
        lasts=timedelta(minutes=1),
    ),
    Rule(
        health.OPENING_LATELY,
        health.OPENING_LATELY.red,
        "95th percentile of opening a socket",
        suffix=" over five minutes",
        lasts=AFTER_A_BURST,
    ),
    Rule(
        health.TURNED_AWAY,
        health.TURNED_AWAY.red,
        "Refused handshakes in the last five minutes:",
        lasts=AFTER_A_BURST,
        quiet=timedelta(minutes=5),
    ),
    Rule(
        health.POLLING,
        health.POLLING.red,
        "Open pages that get no socket, in the last five minutes:",
        lasts=timedelta(minutes=1),
        quiet=timedelta(minutes=5),
    ),
    Rule(
        health.DELIVERY_LATELY,
        health.DELIVERY_LATELY.yellow,
        "99th percentile of delivery",
        suffix=" over five minutes",
    ),
    Rule(
        health.SPIKE,
        health.SPIKE.yellow,
        "Open sockets at",
        suffix=" the day's mean",
        lasts=timedelta(minutes=1),
        quiet=timedelta(minutes=5),
    ),
    Rule(health.BEAT, health.BEAT.red, "The relay's last sign of life is old:"),
    Rule(
        health.OLDEST,
        health.OLDEST.red,
        "The oldest change waits in the inbox for",
        lasts=timedelta(seconds=20),
    ),
    Rule(
        health.DEAD_LETTERS,
        health.DEAD_LETTERS.yellow,
        "Changes that the log refused:",
        quiet=AT_ONCE,
    ),
    Rule(
        health.NOTIFY_QUEUE,
        health.NOTIFY_QUEUE.yellow,
        "The notify queue is filled to",
        lasts=timedelta(seconds=20),
    ),
    Rule(
        health.LOST,
        health.LOST.yellow,
        "Lost sockets:",
        suffix=" for each socket and hour",
        lasts=timedelta(minutes=1),
        quiet=timedelta(minutes=5),
    ),
    Rule(
        health.REFUSED,
        health.REFUSED.red,
        "Refused subscriptions in the last hour:",
        lasts=timedelta(minutes=1),
        quiet=timedelta(minutes=5),
    ),
    Rule(
        health.DELIVERED,
        health.DELIVERED.red,
        "Seconds of the last hour with everything delivered:",
        lasts=timedelta(minutes=1),
        quiet=timedelta(minutes=5),
    ),
    Rule(
        health.BUS_DOWN,
        health.BUS_DOWN.yellow,
        "A process does not reach the bus",
        lasts=timedelta(minutes=1),
    ),
    # The auditor's e-mail is one way out; what the guard finds has all of them.
    Rule(
        health.UNTOLD,
        health.UNTOLD.red,
        "Alarms of the auditor that no e-mail told of:",
        quiet=AT_ONCE,
    ),
    Rule(
        health.AUDIT,
        health.AUDIT.red,
        "The audit log is not as it was sealed. Entries, seals or anchors that do not fit:",
        quiet=AT_ONCE,
        tells_anew=True,
    ),
    Rule(
        health.UNSEALED,
        health.UNSEALED.red,
        "The oldest entry of the audit log waits to be sealed for",
    ),
)


@dataclass(frozen=True)
class Standing:
    """How a rule stands: since when its measure is beyond, and whether that was told."""

    began_at: datetime
    beyond_at: datetime
    raised_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    is_critical: bool = False


def judged(rule: Rule, check: Check, now: datetime, before: Standing | None) -> Standing | None:
    """How the rule stands now; None when there is nothing to remember."""
    if before is None:
        if not rule.is_beyond(check):
            return None
        before = Standing(began_at=now, beyond_at=now)
    if before.raised_at is None:
        if not rule.is_beyond(check):
            return None
        before = replace(before, beyond_at=now)
        if now - before.began_at < rule.lasts:
            return before
        return replace(
            before,
            raised_at=now,
            reason=rule.reason(check),
            is_critical=check.state == health.RED,
        )
    if rule.tells_anew and rule.is_beyond(check) and rule.reason(check) != before.reason:
        # The next look begins another one.
        return replace(before, beyond_at=now, ended_at=now)
    if not rule.is_clearly_within(check):
        return replace(before, beyond_at=now)
    if now - before.beyond_at >= rule.quiet:
        return replace(before, ended_at=now)
    return before
