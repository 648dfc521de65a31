"""Sending what waits: claim, look again, send, record. What each step promises:

Claiming is one short transaction that takes the row from everybody else; sending happens outside of
any transaction; recording is another. A process that dies before the claim has done nothing. One
that dies after it leaves the row "sending", and nobody knows whether the message went out:
`release_abandoned` then sends it again when it is important or when its receiver can tell a repeat
(an e-mail by its Message-ID, a push by its tag), and gives it up when it cannot, or after as many
tries as any message has. So what is important arrives at least once, an ordinary text message at
most once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from notifications.channels import email, sms, web_push
from notifications.channels.message import AddressGone, Message, NotSent
from notifications.channels.wording import line
from notifications.models import Channel, Delivery, Device
from notifications.routing import Drop, Send, Wait, decide, is_hopeless, most_tries, next_try
from notifications.situation import Address, Situations
from portal import clock
from portal.identifiers import uuid7
from portal.tenancy import acting_for

Status = Delivery.Status

# Longer than any send may take, with every device of a person in turn.
ABANDONED_AFTER = timedelta(minutes=3)
# A night's worth of things for one person becomes one message; more than this is two.
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Claim:
    """Rows that one message stands for, taken by this process, and where it goes."""

    rows: tuple[UUID, ...]
    channel: Channel
    message: Message
    address: Address
    attempts: int


def deliver(organization_id: UUID | str, channel: Channel) -> datetime | None:
    """Send all that is due by one channel; return when the next of it may be tried again."""
    while True:
        is_more, claim = claim_next(organization_id, channel)
        if claim is not None:
            send(organization_id, claim)
        elif not is_more:
            break
    with acting_for(organization_id, system=True):
        waiting = Delivery.objects.filter(
            organization_id=organization_id, channel=channel, status=Status.PENDING
        )
        return waiting.order_by("next_at").values_list("next_at", flat=True).first()


def claim_next(organization_id: UUID | str, channel: Channel) -> tuple[bool, Claim | None]:
    """Take what is due for one person, in one transaction.

    Returns whether there was anything, and the claim, or None when none of it is to go out now.
    """
    now = clock.now()
    with acting_for(organization_id, system=True):
        due = Delivery.objects.due(now).filter(organization_id=organization_id, channel=channel)
        first = (
            due.select_related("notification__patient")
            .order_by("-is_important", "next_at")
            .select_for_update(skip_locked=True, of=["self"])
            .first()
        )
        if first is None:
            return False, None
        rows = [first]
        if not first.is_important:
            # What waits for the same person goes along: one message instead of one for each.
            others = due.filter(user_id=first.user_id, is_important=False).exclude(pk=first.pk)
            rows += (
                others.select_related("notification__patient")
                .order_by("next_at")
                .select_for_update(skip_locked=True, of=["self"])[: MOST_AT_ONCE - 1]
            )
        return True, _claimed(rows, channel, now)


def send(organization_id: UUID | str, claim: Claim) -> None:
    """Send what was claimed, outside of any transaction, and record what came of it."""
    try:
        provider_id = _sent(organization_id, claim)
    except NotSent as error:
        _record_failure(organization_id, claim, error)
    else:
        with acting_for(organization_id, system=True):
            _of(claim).update(
                status=Status.SENT, reason="", sent_at=Now(), provider_id=provider_id,
                error="",
            )  # fmt: skip


def release_abandoned(organization_id: UUID | str) -> int:
    """Decide about rows whose process died between claim and record; return how many."""
    with acting_for(organization_id, system=True):
        abandoned = Delivery.objects.filter(
            organization_id=organization_id,
            status=Status.SENDING,
            claimed_at__lt=Now() - ABANDONED_AFTER,
        ).select_for_update(skip_locked=True, of=["self"])
        # What somebody records or cancels at this moment is not lost, and no other clinic waits.
        lost = Delivery.objects.filter(
            pk__in=list(abandoned.values_list("pk", flat=True)), status=Status.SENDING
        )
        unwanted = lost.exclude(cancelled_at=None).update(
            status=Status.CANCELLED, error="interrupted"
        )
        # Whoever sends it dies of it, or hangs: like any other failure, not for ever.
        hopeless = lost.filter(
            Q(is_important=True, attempts__gte=most_tries(is_important=True))
            | Q(is_important=False, attempts__gte=most_tries(is_important=False))
        )
        given_up = hopeless.update(status=Status.FAILED, error="interrupted")
        again = lost.filter(Q(is_important=True) | ~Q(channel=Channel.SMS)).update(
            status=Status.PENDING, next_at=Now(), error="interrupted"
        )
        given_up += lost.update(status=Status.FAILED, error="interrupted")
    return unwanted + again + given_up


def _claimed(rows: Sequence[Delivery], channel: Channel, now: datetime) -> Claim | None:
    situations = Situations(rows[0].organization_id, rows[0].user_id, channel, now)
    going = []
    for row in rows:
        match decide(situations.of(row)):
            case Send():
                going.append(row)
            case Wait(until, reason):
                row.next_at, row.reason = until, reason
            case Drop(reason, is_over):
                row.status = Status.CANCELLED if is_over else Status.SUPPRESSED
                row.reason = reason
    # Tries of one message keep its name, whoever joins it.
    message_id = next((row.message_id for row in going if row.message_id), None) or uuid7()
    for row in going:
        row.status, row.claimed_at, row.message_id = Status.SENDING, now, message_id
        row.attempts += 1
    Delivery.objects.bulk_update(
        rows, ["status", "reason", "next_at", "claimed_at", "message_id", "attempts"]
    )
    if not going:
        return None
    return Claim(
        rows=tuple(row.pk for row in going),
        channel=channel,
        message=Message(message_id, len(going), rows[0].is_important, _words(going)),
        address=situations.address,
        attempts=max(row.attempts for row in going),
    )


def _words(going: Sequence[Delivery]) -> str:
    """What one message may say of one thing; of several it says how many there are."""
    return going[0].notification.words if len(going) == 1 else ""


def _sent(organization_id: UUID | str, claim: Claim) -> str:
    match claim.channel:
        case Channel.EMAIL:
            return email.send(claim.message, claim.address.email)
        case Channel.SMS:
            return sms.send(claim.address.number, line(claim.message))
        case Channel.WEB_PUSH:
            return _pushed(organization_id, claim)
        case _:
            raise ValueError(f"Nothing is sent by {claim.channel}.")


def _pushed(organization_id: UUID | str, claim: Claim) -> str:
    """Send to every browser of the person; it went out when one of them took it."""
    taken, error = "", NotSent("no_address", is_final=True)
    for device in claim.address.devices:
        try:
            taken = web_push.send(claim.message, device.endpoint, device.public_key, device.secret)
        except AddressGone as gone:
            error = gone
            with acting_for(organization_id, system=True):
                Device.objects.filter(pk=device.pk).delete()
        except NotSent as failed:
            error = failed
    if not taken:
        raise error
    return taken


def _record_failure(organization_id: UUID | str, claim: Claim, error: NotSent) -> None:
    important = claim.message.is_important
    may_repeat = important or claim.channel != Channel.SMS or not error.is_unknown
    is_over = (
        error.is_final or not may_repeat or is_hopeless(claim.attempts, is_important=important)
    )
    wait = next_try(claim.attempts, is_important=important, asked=error.retry_after)
    with acting_for(organization_id, system=True):
        rows = _of(claim)
        rows.exclude(cancelled_at=None).update(status=Status.CANCELLED, error=error.code)
        rows.update(
            status=Status.FAILED if is_over else Status.PENDING,
            next_at=Now() + wait,
            error=error.code,
        )


def _of(claim: Claim) -> QuerySet[Delivery]:
    # Only while they are this process's: a sweep may have taken them for abandoned.
    return Delivery.objects.filter(pk__in=claim.rows, status=Status.SENDING)
