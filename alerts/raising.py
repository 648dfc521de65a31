"""What a verdict does: raise an alert, count on the one that is open, end it, or take a value back.

Called by the judge alone, who acts for the system and holds the patient's lock.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from alerts import lifecycle
from alerts.judging import Observation, Verdict, worst_of
from alerts.lifecycle import Turn
from alerts.models import Alert, AlertReading, Phase, RuleKind, Severity
from alerts.progress import plan_for, state_of, write
from portal import audit
from portal.models import Patient

# What the rule that counted a reading says of its observation as it is now.
AskAgain = Callable[[AlertReading], list[Verdict]]


def count_or_raise(
    patient: Patient,
    observation: Observation,
    verdict: Verdict,
    available_at: datetime,
    now: datetime,
) -> Alert | None:
    """Put a met verdict on record; return the alert it counts on, or None for one counted before.

    An open alert of the same condition takes the value, unless it is less severe: then the new one
    supersedes it.
    """
    if _was_counted(observation.source_id, verdict):
        return None
    alert = _ongoing(patient, verdict.condition)
    milder: Alert | None = None
    if alert is not None and _severity(alert).rank < verdict.severity.rank:
        milder, alert = alert, None
        write(milder, lifecycle.superseded(state_of(milder), now), now)
    if alert is None:
        alert = _raise(patient, observation, verdict, available_at, now)
        if milder is not None:
            milder.superseded_by = alert
            milder.save(update_fields=["superseded_by"])
    else:
        alert.measured_at = max(alert.measured_at, observation.measured_at)
        plan = plan_for(alert.policy_version)
        write(alert, lifecycle.repeated(state_of(alert), plan, now, verdict.value), now)
    _count(alert, observation, verdict, now)
    return alert


def recover(
    patient: Patient, observation: Observation, conditions: frozenset[str], now: datetime
) -> None:
    """Tell the open alerts of these conditions that a later value is in range."""
    alerts = Alert.objects.ongoing().filter(
        patient=patient,
        condition__in=conditions,
        # A value from before the alert's own says nothing about how it is now.
        measured_at__lt=observation.measured_at,
    )
    for alert in alerts.select_for_update(of=["self"]).select_related("policy_version"):
        write(alert, lifecycle.recovered(state_of(alert), now, _value(observation, alert)), now)


def correct(
    source_id: UUID, met: dict[str, Verdict], ask_again: AskAgain | None, now: datetime
) -> None:
    """Take back, from the alerts that count an observation, what it does not say any more.

    `met` is what the rules that are on say now; without `ask_again` the observation is gone. Not
    always a mistake: a score grows while the values of its set arrive. One that says something
    worse than before is told as such.
    """
    readings = (
        AlertReading.objects.filter(source_id=source_id, withdrawn_at=None)
        # Rests on what did not come: nothing that the last reading says takes that back.
        .exclude(alert__rule_version__kind=RuleKind.SILENCE)
        .select_related("rule_version", "alert__rule_version")
    )
    for reading in readings:
        alert = _locked(reading.alert_id)
        verdict = met.get(alert.condition)
        if verdict is None and ask_again is not None:
            # A rule that is off, changed, muted or past its horizon says nothing; that takes
            # nothing back. Only the one that counted it can say that it is not so.
            said = [each for each in ask_again(reading) if each.condition == alert.condition]
            if not said:
                continue
            verdict = worst_of(said).get(alert.condition)
        if verdict is not None and _is_counted_or_raised(reading, alert, verdict):
            continue
        if verdict is None:
            reading.withdrawn_at = now
        else:
            reading.value, reading.rule_version = verdict.value, verdict.rule
        reading.save(update_fields=["withdrawn_at", "value", "rule_version"])
        if alert.phase != Phase.CLOSED:
            write(alert, _said_otherwise(alert, verdict, now), now)


def _is_counted_or_raised(reading: AlertReading, alert: Alert, verdict: Verdict) -> bool:
    """Whether a reading says nothing new, or what it says is about to raise an alert of its own:
    a more severe one, or, where somebody had closed this one, one about the worse value."""
    return (
        verdict.value == reading.value
        or verdict.severity.rank > _severity(alert).rank
        or (
            alert.phase == Phase.CLOSED
            and lifecycle.is_worse(verdict.value, reading.value, alert.direction)
        )
    )


def _said_otherwise(alert: Alert, verdict: Verdict | None, now: datetime) -> Turn:
    state = state_of(alert)
    if verdict is not None and state.is_worse(verdict.value):
        before = replace(state, count=state.count - 1)
        return lifecycle.repeated(before, plan_for(alert.policy_version), now, verdict.value)
    left = AlertReading.objects.filter(alert=alert, withdrawn_at=None).order_by("measured_at")
    return lifecycle.corrected(state, now, tuple(left.values_list("value", flat=True)))


def _was_counted(source_id: UUID, verdict: Verdict) -> bool:
    """Whether an alert of the condition, open or closed, has this value of this row already."""
    as_severe = [each for each in Severity if each.rank >= verdict.severity.rank]
    return AlertReading.objects.filter(
        source_id=source_id,
        alert__condition=verdict.condition,
        alert__severity__in=as_severe,
        withdrawn_at=None,
        value=verdict.value,
    ).exists()


def _count(alert: Alert, observation: Observation, verdict: Verdict, now: datetime) -> None:
    said = {
        "value": verdict.value,
        "rule_version": verdict.rule,
        "measured_at": observation.measured_at,
        "counted_at": now,
    }
    row = {
        "organization_id": alert.organization_id,
        "patient_id": alert.patient_id,
        "source_table": observation.source_table,
    }
    AlertReading.objects.update_or_create(
        said | {"withdrawn_at": None},
        # A value that was taken back, and is critical once more, comes back.
        said | row,
        alert=alert,
        source_id=observation.source_id,
    )


def _severity(alert: Alert) -> Severity:
    return Severity(alert.severity)


def _locked(alert_id: UUID) -> Alert:
    alerts = Alert.objects.select_for_update(of=["self"]).select_related("policy_version")
    return alerts.get(pk=alert_id)


def _ongoing(patient: Patient, condition: str) -> Alert | None:
    return (
        Alert.objects.ongoing()
        .filter(patient=patient, condition=condition)
        .select_for_update(of=["self"])
        .select_related("policy_version", "rule_version")
        .first()
    )


def _raise(
    patient: Patient,
    observation: Observation,
    verdict: Verdict,
    available_at: datetime,
    now: datetime,
) -> Alert:
    version = verdict.rule
    policy = version.policy.current
    turn = lifecycle.raised(
        verdict.severity, verdict.direction, verdict.value, plan_for(policy), now
    )
    alert = Alert(
        organization_id=patient.organization_id,
        patient=patient,
        rule_version=version,
        policy_version=policy,
        severity=verdict.severity,
        condition=verdict.condition,
        direction=verdict.direction,
        what=version.what,
        unit=version.unit,
        limit=verdict.limit,
        first_value=verdict.value,
        measured_at=observation.measured_at,
        available_at=available_at,
        raised_at=now,
    )
    write(alert, turn, now)
    audit.record(
        "alert.raised",
        organization_id=patient.organization_id,
        actor_id=None,
        subject=alert,
        severity=str(verdict.severity),
    )
    return alert


def _value(observation: Observation, alert: Alert) -> Decimal | None:
    codes = set(alert.rule_version.codes)
    return next((value.number for value in observation.values if value.code in codes), None)
