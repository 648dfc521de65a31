"""What the worker does for visits. Arguments are identifiers.

Rows say what is due: reminders, holds, offers, freed times. A job only says when to look, may run
twice, late or not at all; the sweep looks each minute.
"""

import logging

from procrastinate.contrib.django import app

from appointments import reminding, writing
from portal.models import Organization
from portal.tenancy import acting_for

logger = logging.getLogger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="appointments.sweep", queueing_lock="appointments.sweep")
def sweep(timestamp: int) -> None:
    """Each minute: holds that ran out, reminders that are due, times to be offered."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            with acting_for(organization_id, system=True):
                writing.end_expired_holds()
            reminding.remind_due(organization_id)
        except Exception:
            # One clinic's trouble must not keep another's reminders waiting.
            logger.exception("The sweep of one organization failed.")
