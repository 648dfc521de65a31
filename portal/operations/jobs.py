"""In the job worker: the audit log is verified, and somebody looks although no relay leads.

Guard and auditor watch the worker from the relay; this is the other direction. Whoever is silent,
the other one tells.
"""

from django.utils import timezone
from procrastinate.contrib.django import app

from portal.lanes import ALERTS
from portal.operations import audit_rounds, guard, health, measures


@app.periodic(cron="* * * * *")
@app.task(
    name="operations.stand_in_for_the_guard", queue=ALERTS, queueing_lock="operations.stand_in"
)
def stand_in_for_the_guard(timestamp: int) -> None:
    """Look once in the guard's place if the relay has given no sign of life."""
    stream = measures.of_stream()
    if stream is None:
        return
    if stream.beat_age is None or stream.beat_age > health.BEAT.red:
        guard.look(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="operations.verify_audit", queueing_lock="operations.verify_audit")
def verify_audit(timestamp: int) -> None:
    """Each minute: verify the next stretch of the audit log, while a round is due."""
    audit_rounds.verify_on(timezone.now())
