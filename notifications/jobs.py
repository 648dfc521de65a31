"""What the worker does to reach people. Arguments are identifiers, and the word for a channel.

The rows of `notification_logs` and `notification_occasions` are what counts; a job only says that
there is something to do, and the sweep says it again every minute.
"""

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from notifications import sending
from notifications.channels import sms
from notifications.channels.message import NotSent
from notifications.channels.wording import CODE
from notifications.models import Channel, Delivery, Occasion, Phone
from notifications.models.delivery import OUTWARD
from notifications.occasions import tell_all
from portal import clock
from portal.lanes import HOUSE, SMS
from portal.models import Organization
from portal.tenancy import acting_for

logger = logging.getLogger(__name__)

# A retry that is due before the next sweep gets a job of its own.
SWEEP_EVERY = timedelta(minutes=1)
# A job that was rolled back by a deadlock, say, has done nothing.
BRIEFLY = RetryStrategy(max_attempts=3, wait=5)


@app.task(name="notifications.deliver", retry=BRIEFLY, pass_context=True)
def deliver(context: JobContext, organization_id: str, channel: str) -> None:
    """Send what is due by one channel in one organization."""
    if context.job.queue == HOUSE:
        # Of an older version. Nothing in this lane may wait for anybody outside.
        _deliver_at(None, organization_id, channel)
        return
    again_at = sending.deliver(organization_id, Channel(channel))
    if again_at is not None and again_at < clock.now() + SWEEP_EVERY:
        _deliver_at(again_at, organization_id, channel)


@app.periodic(cron="* * * * *")
@app.task(name="notifications.sweep", queueing_lock="notifications.sweep")
def sweep(timestamp: int) -> None:
    """Find what no job comes for: lost jobs, ended nights, processes that died while sending."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            _sweep_one(organization_id)
        except Exception:
            # One clinic's trouble must not keep another's messages waiting.
            logger.exception("The messages of one organization could not be swept.")


def _sweep_one(organization_id: UUID) -> None:
    sending.release_abandoned(organization_id)
    for channel in OUTWARD:
        if _is_due(organization_id, channel):
            _deliver_at(None, str(organization_id), channel)
    if _is_untold(organization_id):
        tell_all(organization_id)


@app.task(name="notifications.tell_occasions", retry=BRIEFLY)
def tell_occasions(organization_id: str) -> None:
    """Tell of what triggers queued: changes of care teams, accepted invitations."""
    tell_all(organization_id)


@app.task(name="notifications.send_code", queue=SMS, retry=RetryStrategy(max_attempts=3, wait=10))
def send_code(organization_id: str, phone_id: str) -> None:
    """Make a code for a number that is not confirmed and send it; an earlier one stops working."""
    with acting_for(organization_id, system=True):
        phone = Phone.objects.select_for_update().filter(pk=phone_id, confirmed_at=None).first()
        if phone is None or not phone.number:
            return
        code = phone.make_code()
        phone.save(update_fields=["code_digest", "code_made_at", "guesses"])
    try:
        sms.send(phone.number, CODE.format(code=code))
    except NotSent as error:
        # Final: another try would meet the same answer, and the person can ask for another code.
        if not error.is_final:
            raise


def _deliver_at(at: datetime | None, organization_id: str, channel: str) -> None:
    """Defer a delivery unless one is waiting already; in its own savepoint, so that it may be."""
    configured = deliver.configure(
        queue=channel,
        queueing_lock=f"notifications.deliver:{organization_id}:{channel}:{'later' if at else ''}",
        schedule_at=at.astimezone(UTC) if at else None,
    )
    with suppress(AlreadyEnqueued), transaction.atomic():
        configured.defer(organization_id=organization_id, channel=channel)


def _is_due(organization_id: UUID, channel: Channel) -> bool:
    with acting_for(organization_id, system=True):
        return (
            Delivery.objects.due(clock.now())
            .filter(organization_id=organization_id, channel=channel)
            .exists()
        )


def _is_untold(organization_id: UUID) -> bool:
    with acting_for(organization_id, system=True):
        return Occasion.objects.filter(organization_id=organization_id, told_at=None).exists()
