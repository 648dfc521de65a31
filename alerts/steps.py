"""Taking the steps whose time has come: by their own job, or by the sweep when that was lost."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db.models.functions import Now

from alerts import lifecycle
from alerts.models import Alert, AlertStep, Phase, StepKind
from alerts.progress import plan_for, state_of, write
from alerts.telling import answerable_patients
from portal import clock, tenancy
from portal.patience import acting_in_turn

logger = logging.getLogger(__name__)


def take(organization_id: UUID | str, step_id: UUID | str) -> bool:
    """Take one step if it is the next one and due; return whether it was taken now.

    Harmless when called again, too early, or for a step that something else has overtaken: the
    alert's row is locked before anything is looked at. While somebody else has it locked, nothing
    is taken and nobody waits; the next sweep asks again. Raises StillHeld.
    """
    with acting_in_turn(organization_id):
        step = AlertStep.objects.filter(pk=step_id).values("alert_id").first()
        if step is None:
            return False
        free = Alert.objects.select_for_update(of=["self"], skip_locked=True)
        alert = free.filter(pk=step["alert_id"]).first()
        if alert is None:
            return False
        if not AlertStep.objects.filter(pk=step_id, done_at=None, cancelled_at=None).exists():
            return False
        now = clock.now()
        turn = lifecycle.due(state_of(alert), plan_for(alert.policy_version), now)
        if turn is None:
            return False
        write(alert, turn, now)
        return True


def take_due(organization_id: UUID | str) -> int:
    """Take every step of an organization that is due; return how many were taken.

    One that cannot be taken keeps no other waiting: it is left for the next sweep, and for the
    auditor, who tells that it is late.
    """
    with _whatever_happens("Alerts of whoever is gone could not be let go"):
        _let_go(organization_id)
    with tenancy.acting_for(organization_id, system=True):
        waiting = list(
            AlertStep.objects.filter(done_at=None, cancelled_at=None, due_at__lte=Now())
            .order_by("due_at")
            .values_list("pk", flat=True)
        )
    taken = 0
    for step_id in waiting:
        with _whatever_happens(f"The step {step_id} could not be taken"):
            taken += take(organization_id, step_id)
    return taken


@contextmanager
def _whatever_happens(failure: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what comes after it must not wait
        # Its type and no more: an error's text may quote a row.
        logger.error("%s (%s).", failure, type(error).__name__)


def _let_go(organization_id: UUID | str) -> None:
    """Let the acknowledgements of whoever may not act any more expire now.

    Looked for and not told: a place on a care team, a role, a membership and an account end in many
    ways, and a place by the clock alone.
    """
    with acting_in_turn(organization_id):
        held = Alert.objects.filter(phase=Phase.ACKNOWLEDGED).order_by("pk")
        for owner_id in held.order_by().values_list("owner_id", flat=True).distinct():
            patients = answerable_patients(UUID(str(organization_id)), owner_id)
            lost = held.filter(owner_id=owner_id).exclude(patient_id__in=patients.values("pk"))
            AlertStep.objects.filter(
                # Locked, so that nobody takes it meanwhile; one that somebody has is left to them.
                alert__in=list(lost.select_for_update(of=["self"], skip_locked=True)),
                kind=StepKind.EXPIRE,
                done_at=None,
                cancelled_at=None,
                due_at__gt=Now(),
            ).update(due_at=Now())
