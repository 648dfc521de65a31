"""Patients from whom nothing comes: stale data is an alarm."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max

from alerts import observations
from alerts.judge import rules_on
from alerts.judging import Observation, Verdict, is_about, silence_of
from alerts.models import Alert, RuleKind, RuleOverride, RuleVersion
from alerts.raising import count_or_raise
from care.models import Result, VitalSign
from portal import clock, tenancy
from portal.models import Patient
from portal.patience import StillHeld, acting_in_turn

logger = logging.getLogger(__name__)

# Whoever has sent nothing for so long is not being watched any more, and no alarm is owed.
WATCHED_FOR = timedelta(days=14)


def look(organization_id: UUID | str) -> int:
    """Raise an alert for every patient whose readings are overdue; return how many are new."""
    with tenancy.acting_for(organization_id, system=True):
        rules = [rule for rule in rules_on() if rule.kind == RuleKind.SILENCE]
    return sum(_look_for(organization_id, rule) for rule in rules)


def _look_for(organization_id: UUID | str, rule: RuleVersion) -> int:
    new = 0
    now = clock.now()
    if rule.hours is None:
        return 0
    with tenancy.acting_for(organization_id, system=True):
        overdue = _overdue(rule, now)
    for patient_id, last in overdue.items():
        try:
            with acting_in_turn(organization_id):
                is_new = _raise_unless_known(rule, patient_id, last, now)
        except StillHeld:
            logger.warning("A silence is looked at again later: somebody holds what it needs.")
        else:
            new += is_new
    return new


def _overdue(rule: RuleVersion, now: datetime) -> dict[UUID, datetime]:
    """Patients with the time of their last reading, where that is too long ago."""
    assert rule.hours is not None
    latest: dict[UUID, datetime] = {}
    for model in (VitalSign, Result):
        rows = model.objects.filter(
            code__in=rule.codes,
            status__in=observations.JUDGED,
            measured_at__gt=now - WATCHED_FOR,
            patient__deceased_at=None,
        )
        for patient_id, at in rows.values_list("patient_id").annotate(Max("measured_at")):
            latest[patient_id] = max(at, latest.get(patient_id, at))
    deadline = now - timedelta(hours=float(rule.hours))
    return {patient_id: at for patient_id, at in latest.items() if at < deadline}


def _raise_unless_known(rule: RuleVersion, patient_id: UUID, last: datetime, now: datetime) -> bool:
    patient = Patient.objects.get(pk=patient_id)
    condition = silence_of(rule)
    # One alert for one silence: whoever closed it has decided about this one.
    if Alert.objects.filter(patient=patient, condition=condition, measured_at=last).exists():
        return False
    muted = RuleOverride.objects.in_force(now).filter(
        patient=patient, rule_id=rule.rule_id, is_muted=True
    )
    person = observations.person_of(patient, now)
    if muted.exists() or not is_about(rule, person):
        return False
    row = (
        VitalSign.objects.filter(patient=patient, code__in=rule.codes, measured_at=last).first()
        or Result.objects.filter(patient=patient, code__in=rule.codes, measured_at=last).first()
    )
    if row is None:
        return False
    verdict = Verdict(rule, condition, "", is_met=True, limit=rule.hours)
    seen = Observation(row._meta.db_table, row.pk, last, ())
    return count_or_raise(patient, seen, verdict, now, now) is not None
