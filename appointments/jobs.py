"""What the worker does for visits. Arguments are identifiers.

Rows say what is due: reminders, holds, offers, freed times. A job only says when to look, may run
twice, late or not at all; the sweep looks each minute.
"""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from appointments import reminding, waiting, writing
from portal.models import Organization
from portal.tenancy import acting_for

logger = logging.getLogger(__name__)

# A job that was rolled back by a deadlock, say, has done nothing.
BRIEFLY = RetryStrategy(max_attempts=3, wait=5)


@app.task(name="appointments.offer", retry=BRIEFLY)
def offer(organization_id: str) -> None:
    """A time was given back or taken: tell who was too late, offer what is free."""
    waiting.settle_offers(organization_id)
    waiting.offer_freed(organization_id)


@app.task(name="appointments.end_holds", retry=BRIEFLY)
def end_holds(organization_id: str) -> None:
    """A hold has run out: give its time back."""
    with acting_for(organization_id, system=True):
        writing.end_expired_holds()


@app.periodic(cron="23 * * * *")
@app.task(name="appointments.plan_reminders", queueing_lock="appointments.plan_reminders")
def plan_reminders(timestamp: int) -> None:
    """Each hour: visits of which nobody planned to remind, as after an upgrade."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            reminding.plan_missing(organization_id)
        except Exception:
            logger.exception("The reminders of one organization could not be planned.")


@app.periodic(cron="* * * * *")
@app.task(name="appointments.sweep", queueing_lock="appointments.sweep")
def sweep(timestamp: int) -> None:
    """Each minute: holds that ran out, reminders that are due, times to be offered."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            with acting_for(organization_id, system=True):
                writing.end_expired_holds()
            reminding.remind_due(organization_id)
            reminding.let_pass(organization_id)
            waiting.settle_offers(organization_id)
            waiting.offer_freed(organization_id)
        except Exception:
            # One clinic's trouble must not keep another's reminders waiting.
            logger.exception("The sweep of one organization failed.")
