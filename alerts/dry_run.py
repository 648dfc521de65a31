"""A rule tried on what was measured: how often it would have called somebody, and for how many.

Reads every patient of the organization, so it is for the system to run, and hands on counts alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from alerts import observations
from alerts.judging import is_about, verdicts
from alerts.models import RuleKind, RuleVersion
from care.models import EarlyWarningScore, QuestionnaireResponse, Result, VitalSign
from portal.models import Patient

DAYS = 30
# Rows looked at for one rule. A clinic with more learns that the answer is not the whole of it.
MOST_ROWS = 20_000
# Of fewer patients than this nothing more is told: who may edit a rule could else narrow it to one
# patient, and find their value by moving the limit.
FEW = 5


@dataclass
class DryRun:
    """How many alerts a rule would have raised in the time looked at, about how many patients."""

    looked_at: int = 0
    is_cut: bool = False
    times: int = 0
    patients: int = 0

    @property
    def is_few(self) -> bool:
        """Too few patients, or none, for a number to tell of them together only."""
        return self.patients < FEW


def dry_run(version: RuleVersion, *, now: datetime | None = None) -> DryRun:
    """Try a version on the last 30 days.

    Values of one condition that follow one another without one in range between them count once,
    as they would on one alert.
    """
    now = now or timezone.now()
    since = now - timedelta(days=DAYS)
    result = DryRun()
    by_patient: dict[UUID, list[tuple[datetime, UUID, str]]] = {}
    for patient_id, at, row_id, table in _rows(version, since, now):
        if result.looked_at == MOST_ROWS:
            result.is_cut = True
            break
        result.looked_at += 1
        by_patient.setdefault(patient_id, []).append((at, row_id, table))
    for patient in Patient.objects.filter(pk__in=by_patient, deceased_at=None):
        rows = sorted(by_patient[patient.pk])
        if version.kind == RuleKind.SILENCE:
            times = _silences(version, patient, [at for at, *_ in rows], now)
        else:
            times = _firings(version, patient, rows)
        result.times += times
        result.patients += times > 0
    return result


def _firings(version: RuleVersion, patient: Patient, rows: list[tuple[datetime, UUID, str]]) -> int:
    """How many alerts the values of one patient would have raised."""
    times = 0
    person = observations.person_of(patient, rows[-1][0])
    met: dict[str, bool] = {}
    for at, row_id, table in rows:
        observation = observations.observation_of(table, row_id)
        if observation is None:
            continue
        now_met: dict[str, bool] = {}
        for verdict in verdicts(
            version,
            person,
            observation,
            now=at,
            earlier=observations.earlier_than(patient, at),
        ):
            now_met[verdict.condition] = verdict.is_met or now_met.get(verdict.condition, False)
        for condition, is_met in now_met.items():
            times += is_met and not met.get(condition, False)
        met |= now_met
    return times


def _silences(version: RuleVersion, patient: Patient, times: list[datetime], now: datetime) -> int:
    """How many silences of one patient were too long."""
    if version.hours is None or not is_about(version, observations.person_of(patient, now)):
        return 0
    longest = timedelta(hours=float(version.hours))
    return sum(after - before > longest for before, after in pairwise([*times, now]))


def _rows(
    version: RuleVersion, since: datetime, now: datetime
) -> Iterator[tuple[UUID, datetime, UUID, str]]:
    """What the version may look at: whose, when, which row of which table."""
    organization = Q(organization_id=version.organization_id)
    if version.kind == RuleKind.NEWS2:
        scores = EarlyWarningScore.objects.valid().filter(
            organization, scored_at__gte=since, scored_at__lte=now
        )
        for patient_id, at, pk in scores.values_list("patient_id", "scored_at", "pk").iterator():
            yield patient_id, at, pk, "early_warning_scores"
    elif version.kind == RuleKind.ANSWER:
        given = QuestionnaireResponse.objects.given().filter(
            organization,
            questionnaire__key=version.questionnaire,
            completed_at__gte=since,
            completed_at__lte=now,
        )
        for response in given.only("patient_id", "completed_at").iterator():
            assert response.completed_at is not None
            yield (
                response.patient_id,
                response.completed_at,
                response.pk,
                given.model._meta.db_table,
            )
    else:
        # A blood pressure has its codes inside.
        codes = Q(code__in=version.codes)
        for code in version.codes:
            codes |= Q(components__contains=[{"code": code}])
        for model in (VitalSign, Result):
            rows = model.objects.filter(
                organization,
                codes,
                measured_at__gte=since,
                measured_at__lte=now,
                status__in=observations.JUDGED,
                is_implausible=False,
            )
            table = model._meta.db_table
            for patient_id, at, pk in rows.values_list(
                "patient_id", "measured_at", "pk"
            ).iterator():
                yield patient_id, at, pk, table
