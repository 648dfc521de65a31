"""What a person wishes for themselves: messages that name a visit, and visits in their calendar."""

from django.db import transaction
from django.utils import timezone

from appointments.models import CalendarFeed, ReminderConsent
from notifications.models import Notification
from portal import access, audit
from portal.access import Reader


@transaction.atomic
def allow_time_and_place(*, by: Reader) -> ReminderConsent:
    """Agree that messages to the reader name time and place of a visit; again changes nothing."""
    consent, made = ReminderConsent.objects.get_or_create(
        organization_id=by.organization_id, user_id=by.user_id, withdrawn_at=None
    )
    if made:
        _record("reminders.consented", by)
    return consent


@transaction.atomic
def withdraw_time_and_place(*, by: Reader) -> None:
    """Withdraw that, also for what is told already and still waits to be sent."""
    given = access.of_reader(ReminderConsent.objects.filter(withdrawn_at=None), by)
    if given.update(withdrawn_at=timezone.now()):
        access.of_reader(Notification.objects.exclude(words=""), by).update(words="")
        _record("reminders.withdrawn", by)


def allows_time_and_place(*, by: Reader) -> bool:
    """Whether messages to the reader may name time and place of a visit."""
    return access.of_reader(ReminderConsent.objects.filter(withdrawn_at=None), by).exists()


@transaction.atomic
def make_feed(*, by: Reader) -> tuple[CalendarFeed, str]:
    """Make a new private address for the reader's calendar; the one before ends.

    Returns the feed and its token, which is nowhere kept: it can be shown now and never again.
    """
    revoke_feed(by=by)
    token = CalendarFeed.new_token()
    feed = CalendarFeed.objects.create(
        organization_id=by.organization_id,
        user_id=by.user_id,
        token_digest=CalendarFeed.digest_of(token),
    )
    _record("calendar_feed.made", by)
    return feed, token


@transaction.atomic
def revoke_feed(*, by: Reader) -> bool:
    """End the reader's private address; return whether there was one."""
    live = access.of_reader(CalendarFeed.objects.filter(revoked_at=None), by)
    ended = live.update(revoked_at=timezone.now()) > 0
    if ended:
        _record("calendar_feed.revoked", by)
    return ended


def live_feed(*, by: Reader) -> CalendarFeed | None:
    """The reader's feed, to say since when there is one."""
    return access.of_reader(CalendarFeed.objects.filter(revoked_at=None), by).first()


def _record(action: str, by: Reader) -> None:
    audit.record(action, organization_id=by.organization_id, actor_id=by.user_id)
