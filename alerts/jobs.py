"""What the worker does for alerts: judging, taking steps, and sweeping up after lost jobs.

Arguments are identifiers. Every job may run twice, late, or not at all: rows say what is to be
done, and jobs only say when to look.
"""

import logging
from datetime import timedelta

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from alerts import gap_watch, judge, queue, silence, steps
from alerts.progress import PRIORITY
from portal import clock
from portal.lanes import ALERTS
from portal.models import Organization

logger = logging.getLogger(__name__)

# Judging has a turn, and goes on behind whatever has come due meanwhile: values may come as fast as
# they are judged, for hours, and neither a step nor another clinic may wait for the end of that.
TURN_SECONDS = 0.5
# As the triggers have it (alerts_queue). Steps come before.
JUDGING = 10

# A job that fails is tried again soon; after that the sweep finds what it left.
RETRY = RetryStrategy(max_attempts=5, wait=2)

# How far back the deep sweep looks for observations that are in no queue.
FORGOTTEN_WITHIN = timedelta(hours=72)


@app.task(name="alerts.judge", queue=ALERTS, retry=RETRY)
def judge_waiting(organization_id: str) -> None:
    """Judge what waits in an organization, for a turn; then another job goes on.

    What the dropped jobs were about is committed, and thus seen from here.
    """
    queue.drop_jobs(organization_id)
    if judge.judge_for(organization_id, TURN_SECONDS):
        app.configure_task("alerts.judge", priority=JUDGING).defer(
            organization_id=str(organization_id)
        )


@app.task(name="alerts.take_step", queue=ALERTS, retry=RETRY)
def take_step(organization_id: str, step_id: str) -> None:
    """Take one step of an alert, if it is still the next one."""
    steps.take(organization_id, step_id)


@app.periodic(cron="* * * * * */10")
@app.task(name="alerts.sweep", queue=ALERTS, queueing_lock="alerts.sweep", priority=PRIORITY)
def sweep(timestamp: int) -> None:
    """Every ten seconds: what is due or waits, whatever became of its job.

    Steps first, of every clinic; of each then a turn of judging.
    """
    organizations = list(Organization.objects.values_list("pk", flat=True))
    for look in (steps.take_due, judge_waiting):
        for organization_id in organizations:
            try:
                look(str(organization_id))
            except Exception:
                # One clinic's trouble must not keep another's alerts waiting. The auditor sees it.
                logger.exception("The sweep of one organization failed.")


@app.periodic(cron="*/5 * * * *")
@app.task(name="alerts.sweep_deeply", queue=ALERTS, queueing_lock="alerts.sweep_deeply")
def sweep_deeply(timestamp: int) -> None:
    """Every five minutes: readings that no trigger queued, and patients from whom nothing comes."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            queue.queue_forgotten(organization_id, clock.now() - FORGOTTEN_WITHIN)
            silence.look(organization_id)
        except Exception:
            logger.exception("The deep sweep of one organization failed.")


@app.periodic(cron="9 * * * *")
@app.task(name="alerts.warn_of_gaps", queueing_lock="alerts.warn_of_gaps")
def warn_of_gaps(timestamp: int) -> None:
    """Each hour: hours of the next seven days in which nobody is on call."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        try:
            gap_watch.warn_of_gaps(organization_id)
        except Exception:
            logger.exception("The rotas of one organization could not be looked at.")
