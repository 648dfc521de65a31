"""From a row to the pure machine and back: what a turn says is written here and nowhere else."""

from datetime import datetime
from uuid import UUID

from procrastinate.contrib.django import app

from alerts.escalation import LONGEST_REST, Plan, plan_of
from alerts.lifecycle import Next, State, Turn
from alerts.models import (
    Alert,
    AlertRecord,
    AlertStep,
    Outcome,
    Phase,
    PolicyVersion,
    Severity,
    StepKind,
)
from alerts.telling import tell
from notifications.actions import cancel_sends

# A step's job comes first, before e-mails and the like.
PRIORITY = 20


def plan_for(version: PolicyVersion) -> Plan:
    """The plan of a policy as it was when the alert began. Raises PolicyUnusable."""
    return plan_of(
        steps=version.steps,
        repeats=version.repeats,
        # Versions stay as they were written, and alerts go on with theirs: one from before there
        # was a bound is read with it, for what cannot be read would tell nobody.
        every=min(version.every, LONGEST_REST),
        acknowledged_for=min(version.acknowledged_for, LONGEST_REST),
        fallback_role=version.fallback_role,
    )


def state_of(alert: Alert) -> State:
    """The alert as the machine knows it; the caller holds its lock."""
    step = pending_step(alert)
    return State(
        severity=Severity(alert.severity),
        phase=Phase(alert.phase),
        direction=alert.direction,
        round=alert.round,
        count=alert.count,
        worst=alert.worst_value,
        last=alert.last_value,
        owner=alert.owner_id,
        until=alert.phase_until,
        next=Next(StepKind(step.kind), step.due_at, step.position) if step else None,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
    )


def pending_step(alert: Alert) -> AlertStep | None:
    """What comes next for the alert."""
    return AlertStep.objects.filter(alert=alert, done_at=None, cancelled_at=None).first()


def write(alert: Alert, turn: Turn, now: datetime) -> list[UUID]:
    """Write what a turn says, in the caller's transaction; return the users told now.

    The caller acts for the system and holds the alert's lock.
    """
    before = None if alert._state.adding else pending_step(alert)
    _write_alert(alert, turn.state, now)
    _write_entries(alert, turn, now)
    if turn.cancels:
        cancel_sends(alert.pk)
    # The old step makes room before the new one comes: there is only ever one.
    telling = _end(before, turn, now)
    _begin(alert, before, turn.state.next, now)
    if not turn.tell:
        return []
    if telling is None:
        telling = _step(alert, StepKind.TELL, now, now, done_at=now)
    return tell(alert, turn.tell, plan_for(alert.policy_version), telling, now)


def _write_alert(alert: Alert, state: State, now: datetime) -> None:
    alert.phase = state.phase
    alert.round = state.round
    alert.count = state.count
    alert.worst_value = state.worst
    alert.last_value = state.last
    alert.owner_id = state.owner
    alert.phase_until = state.until
    if state.is_closed:
        alert.closed_at = now
        alert.outcome = state.outcome or ""
    alert.save()


def _write_entries(alert: Alert, turn: Turn, now: datetime) -> None:
    for entry in turn.entries:
        AlertRecord.objects.create(
            organization_id=alert.organization_id,
            patient_id=alert.patient_id,
            alert=alert,
            kind=entry.kind,
            at=now,
            user_id=entry.user,
            to_id=entry.to,
            note=entry.note,
            value=entry.value,
            until=entry.until,
        )


def _end(before: AlertStep | None, turn: Turn, now: datetime) -> AlertStep | None:
    """End the step whose place is taken; return it when its time had come, so that it tells."""
    if before is None or _is(before, turn.state.next):
        return None
    if before.due_at <= now and not turn.cancels:
        before.done_at = now
    else:
        before.cancelled_at = now
    before.save(update_fields=["done_at", "cancelled_at"])
    return before if before.done_at else None


def _begin(alert: Alert, before: AlertStep | None, following: Next | None, now: datetime) -> None:
    if following is None or (before is not None and _is(before, following)):
        return
    step = _step(alert, following.kind, following.due_at, now, position=following.position)
    app.configure_task("alerts.take_step", schedule_at=step.due_at, priority=PRIORITY).defer(
        organization_id=str(step.organization_id), step_id=str(step.pk)
    )


def _is(step: AlertStep, following: Next | None) -> bool:
    return following is not None and (step.kind, step.due_at, step.position) == (
        following.kind,
        following.due_at,
        following.position,
    )


def _step(
    alert: Alert,
    kind: StepKind,
    due_at: datetime,
    now: datetime,
    *,
    position: int = 0,
    done_at: datetime | None = None,
) -> AlertStep:
    return AlertStep.objects.create(
        organization_id=alert.organization_id,
        patient_id=alert.patient_id,
        alert=alert,
        kind=kind,
        position=position,
        due_at=due_at,
        created_at=now,
        done_at=done_at,
    )
