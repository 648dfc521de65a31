"""A rule tried on what was measured: how often it would have called somebody, and for whom.

Reads every patient of the organization, so it is for the system to run; who may learn what of it is
the caller's to decide.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
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


@dataclass
class Found:
    """One patient for whom the rule would have fired, and how often."""

    patient: Patient
    times: int = 0
    values: int = 0


@dataclass
class DryRun:
    """What a rule would have done in the time looked at."""

    looked_at: int = 0
    is_cut: bool = False
    patients: list[Found] = field(default_factory=list)

    @property
    def times(self) -> int:
        """How many alerts there would have been."""
        return sum(found.times for found in self.patients)


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
    patients = Patient.objects.filter(pk__in=by_patient, deceased_at=None).order_by("name", "mrn")
    for patient in patients:
        rows = sorted(by_patient[patient.pk])
        found = Found(patient)
        if version.kind == RuleKind.SILENCE:
            _silences(version, patient, [at for at, *_ in rows], now, found)
        else:
            _firings(version, patient, rows, found)
        if found.times:
            result.patients.append(found)
    return result


def _firings(
    version: RuleVersion, patient: Patient, rows: list[tuple[datetime, UUID, str]], found: Found
) -> None:
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
            found.values += is_met
            found.times += is_met and not met.get(condition, False)
        met |= now_met


def _silences(
    version: RuleVersion, patient: Patient, times: list[datetime], now: datetime, found: Found
) -> None:
    if version.hours is None or not is_about(version, observations.person_of(patient, now)):
        return
    longest = timedelta(hours=float(version.hours))
    long_ones = [1 for before, after in pairwise([*times, now]) if after - before > longest]
    found.times = found.values = len(long_ones)


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
