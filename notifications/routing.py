"""Whether a notification goes out by a channel now, later or not at all. Pure; knows no table.

Asked just before sending, because much may have changed since it was told: read meanwhile,
answered, the right to see the patient ended, the account closed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.models.delivery import Channel
from notifications.models.notification import Kind
from portal.models import Role

# What needs somebody, or changes what they planned, leaves the house; the rest is on the bell.
_STAFF_DEFAULTS = {
    Kind.ALERT: {Channel.WEB_PUSH, Channel.EMAIL, Channel.SMS},
    Kind.ALARM: {Channel.WEB_PUSH, Channel.EMAIL, Channel.SMS},
    Kind.MESSAGE: {Channel.WEB_PUSH},
}
_FAMILY_DEFAULTS = {
    Kind.MESSAGE: {Channel.WEB_PUSH, Channel.EMAIL},
    Kind.VISIT: {Channel.WEB_PUSH, Channel.EMAIL},
    Kind.REMINDER: {Channel.WEB_PUSH, Channel.EMAIL},
    Kind.OFFER: {Channel.WEB_PUSH, Channel.EMAIL},
}
# First a channel that makes a sound in a pocket.
_IMPORTANT_FIRST = (Channel.SMS, Channel.WEB_PUSH, Channel.EMAIL)


@dataclass(frozen=True)
class Send:
    """It goes out now."""


@dataclass(frozen=True)
class Wait:
    """It goes out later, together with what else waits for the same person."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class Drop:
    """It does not go out: no longer wanted by anybody (`is_over`), or never by this channel."""

    reason: str
    is_over: bool = False


Decision = Send | Wait | Drop


@dataclass(frozen=True)
class Situation:
    """All that the decision rests on, as it is now."""

    kind: Kind
    channel: Channel
    is_important: bool
    is_read: bool
    is_member: bool
    may_see: bool
    reachable: Collection[Channel]
    wanted: Collection[Channel]
    important_channel: Channel | None = None
    is_channel_on: bool = True
    quiet_until: datetime | None = None
    digest_at: datetime | None = None
    is_collected: bool = False
    capped_until: datetime | None = None


def default_channels(kind: Kind, role: Role) -> Collection[Channel]:
    """Return the channels by which somebody in a role is told unless they chose otherwise."""
    defaults = _STAFF_DEFAULTS if role.is_staff else _FAMILY_DEFAULTS
    return defaults.get(kind, set())


def decide(situation: Situation) -> Decision:
    """Say what is to be done with one notification and one channel."""
    over = _over(situation)
    if over:
        return over
    if not situation.is_channel_on:
        return Drop("channel_off")
    if situation.channel not in situation.reachable:
        return Drop("no_address")
    if situation.is_important:
        return Send() if situation.channel in _for_important(situation) else Drop("not_wanted")
    if situation.channel not in situation.wanted:
        return Drop("not_wanted")
    return _in_time(situation)


def _over(situation: Situation) -> Drop | None:
    if not situation.is_member:
        return Drop("no_member", is_over=True)
    if not situation.may_see:
        return Drop("no_access", is_over=True)
    if situation.is_read:
        return Drop("read", is_over=True)
    return None


def _for_important(situation: Situation) -> set[Channel]:
    """What the person wants and what they named for this, or else the loudest that reaches them."""
    named = situation.important_channel
    if named not in situation.reachable:
        named = next((each for each in _IMPORTANT_FIRST if each in situation.reachable), None)
    return set(situation.wanted) | ({named} if named else set())


def _in_time(situation: Situation) -> Decision:
    if situation.is_collected:
        # At the hour that the person named themselves.
        return Send()
    if situation.channel == Channel.EMAIL and situation.digest_at:
        return Wait(situation.digest_at, "digest")
    if situation.quiet_until:
        return Wait(situation.quiet_until, "quiet")
    if situation.capped_until:
        return Wait(situation.capped_until, "capped")
    return Send()


def next_try(attempts: int, *, is_important: bool, asked: timedelta | None = None) -> timedelta:
    """Return how long to wait after a number of failed tries; longer if the provider `asked`.

    What is important is tried again after 5, 10, 20 … seconds and then each minute, the rest after
    half a minute and more, up to an hour.
    """
    first, longest = (5, 60) if is_important else (30, 3600)  # seconds
    wait = timedelta(seconds=min(first * 2 ** min(attempts - 1, 12), longest))
    return max(wait, asked) if asked else wait


def is_hopeless(attempts: int, *, is_important: bool) -> bool:
    """Whether to give up."""
    return attempts >= most_tries(is_important=is_important)


def most_tries(*, is_important: bool) -> int:
    """How often it is tried: about an hour for what is important, about six for the rest."""
    return 60 if is_important else 12
