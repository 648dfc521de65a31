"""What people do about alerts: each action is door, lock, machine, write, record.

The door is the reader's (`access.of_watched_patients`). What follows from it is the system's: a
reader may acknowledge, and need not be allowed to see whose pending e-mail that cancels.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from alerts import lifecycle
from alerts.errors import NobodyToHandTo
from alerts.lifecycle import State, Turn
from alerts.models import Alert, AlertRecord, Outcome
from alerts.progress import plan_for, state_of, write
from alerts.telling import may_answer
from portal import access, audit, clock, tenancy
from portal.access import Reader


def acknowledge(alert_id: UUID, *, by: Reader, note: str = "") -> Alert:
    """Take an alert: everybody else sees who has it, and nobody further is told.

    Raises Alert.DoesNotExist, AlreadyAcknowledged with who was first, AlreadyClosed.
    """
    return _act(
        alert_id,
        by,
        "alert.acknowledged",
        lambda alert, state, now: lifecycle.acknowledged(
            state, plan_for(alert.policy_version), now, by.user_id, note
        ),
    )


def act(alert_id: UUID, *, by: Reader, note: str) -> Alert:
    """Say in one line what was done. Raises Alert.DoesNotExist, NoteMissing, AlreadyClosed."""
    return _act(
        alert_id,
        by,
        "alert.acted",
        lambda alert, state, now: lifecycle.acted(
            state, plan_for(alert.policy_version), now, by.user_id, note
        ),
    )


def hand_over(alert_id: UUID, *, by: Reader, to: UUID, note: str = "") -> Alert:
    """Ask another nurse or clinician to take it. Raises NobodyToHandTo, AlreadyClosed."""

    def turn(alert: Alert, state: State, now: datetime) -> Turn:
        if to == by.user_id or not may_answer(alert, to):
            raise NobodyToHandTo
        plan = plan_for(alert.policy_version)
        return lifecycle.handed_over(state, plan, now, by.user_id, to, note)

    return _act(alert_id, by, "alert.handed_over", turn, to=str(to))


def escalate_now(alert_id: UUID, *, by: Reader, note: str = "") -> Alert:
    """Tell the next of the policy now. Raises Alert.DoesNotExist, AlreadyClosed."""
    return _act(
        alert_id,
        by,
        "alert.escalated",
        lambda alert, state, now: lifecycle.escalated(
            state, plan_for(alert.policy_version), now, by.user_id, note
        ),
    )


def snooze(alert_id: UUID, *, by: Reader, until: datetime, reason: str) -> Alert:
    """Not now: bounded, for a reason. Raises SnoozeRefused, AlreadyClosed."""
    return _act(
        alert_id,
        by,
        "alert.snoozed",
        lambda alert, state, now: lifecycle.snoozed(state, now, by.user_id, until, reason),
    )


def close(alert_id: UUID, *, by: Reader, outcome: Outcome, note: str = "") -> Alert:
    """End it as done or not needed. Raises NotAcknowledged, NoteMissing, AlreadyClosed.

    The other outcomes are not a person's to choose: ValueError.
    """
    if outcome not in (Outcome.DONE, Outcome.NOT_NEEDED):
        raise ValueError(outcome)
    return _act(
        alert_id,
        by,
        "alert.closed",
        lambda alert, state, now: lifecycle.closed(state, now, by.user_id, outcome, note),
        outcome=str(outcome),
    )


def note_seen(alert_ids: list[UUID], *, by: Reader) -> int:
    """Put on record that the reader has had these alerts before their eyes; how many were new.

    Once for each person and alert, however often a page shows it.
    """
    alerts = access.of_watched_patients(Alert.objects.filter(pk__in=alert_ids), by).ongoing()
    known = AlertRecord.objects.filter(kind=AlertRecord.Kind.SEEN, user_id=by.user_id)
    new = 0
    for alert in alerts.exclude(pk__in=known.values("alert_id")).order_by("pk"):
        try:
            with transaction.atomic():
                AlertRecord.objects.create(
                    organization_id=alert.organization_id,
                    patient_id=alert.patient_id,
                    alert=alert,
                    kind=AlertRecord.Kind.SEEN,
                    at=Now(),
                    user_id=by.user_id,
                )
        except IntegrityError:
            # Another window of the same person was first.
            continue
        new += 1
    return new


@transaction.atomic
def _act(
    alert_id: UUID,
    by: Reader,
    action: str,
    turn: Callable[[Alert, State, datetime], Turn],
    **detail: Any,
) -> Alert:
    # The door is the reader's; the row itself is the system's to write.
    access.of_watched_patients(Alert.objects.all(), by).only("pk").get(pk=alert_id)
    with tenancy.acting_for(by.organization_id, by.user_id, system=True):
        alert = Alert.objects.select_for_update(of=["self"]).get(pk=alert_id)
        now = clock.now()
        write(alert, turn(alert, state_of(alert), now), now)
        audit.record(
            action,
            organization_id=by.organization_id,
            actor_id=by.user_id,
            subject=alert,
            **detail,
        )
    return alert
