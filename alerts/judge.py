"""Judging what waits: each observation held against the rules that are on, in a transaction each.

The queue is `Judgement`. Rows are taken with SKIP LOCKED, so that several workers judge side by
side; values of one patient are judged one after another, behind an advisory lock, or two of them
could raise the same alert. Nobody waits for that lock: thousands of values of one patient would
have every worker stand behind the one that judges them.
"""

import logging
import math
import time
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from alerts import observations
from alerts.judging import Observation, Verdict, in_range, verdicts, worst_of
from alerts.models import AlertReading, Judgement, RuleOverride, RuleVersion
from alerts.queue import heard_at, pass_history
from alerts.raising import correct, count_or_raise, recover
from care import early_warning
from care.models import VitalSign
from portal import clock, planner, tenancy
from portal.models import Patient
from portal.patience import StillHeld, acting_in_turn

logger = logging.getLogger(__name__)

# Vital signs that come later than this are not scored: nobody acts on the NEWS2 of last week.
RECENT = timedelta(hours=72)
# Counted no further: at six a minute the column would overflow within days, and nobody be judged.
MOST_ATTEMPTS = 1000
# What failed comes again as if it had come so much later for each time: behind what waits, and not
# behind all that is still to come, which may be without end.
PUT_BACK = timedelta(seconds=10)


def judge_waiting(organization_id: UUID | str) -> int:
    """Judge everything of an organization that waits; return how many were judged."""
    judged, _ = _judge(organization_id, math.inf)
    return judged


def judge_for(organization_id: UUID | str, seconds: float) -> bool:
    """Judge one observation, and more for so long; return whether it ended with one still waiting.

    They may come as fast as they are judged.
    """
    _, is_more = _judge(organization_id, time.monotonic() + seconds)
    return is_more


def _judge(organization_id: UUID | str, until: float) -> tuple[int, bool]:
    """Judge what waits until a moment; how many were judged, and whether there may be more."""
    with tenancy.acting_for(organization_id, system=True):
        rules = rules_on()
    pass_history(organization_id, _longest_horizon(rules))
    judged, tried, held = 0, set[UUID](), set[UUID]()
    while True:
        row: Judgement | None = None
        try:
            with acting_in_turn(organization_id):
                with planner.in_order_of_an_index():
                    row = next(iter(whose_turn(tried, held)), None)
                if row is None:
                    return judged, False
                # What failed is past: a turn has judged something, so that turns come to an end.
                if judged and time.monotonic() >= until:
                    return judged, True
                if not _is_free(row.patient_id):
                    # Whoever judges that patient looks for more when it is done with this one.
                    held.add(row.patient_id)
                    continue
                judge(row, rules, clock.now())
                row.judged_at = Now()
                row.save(update_fields=["judged_at"])
            judged += 1
        except Exception as error:
            if row is None:
                raise
            # Left for the next round, and for the auditor, who tells that it waits. One row that
            # cannot be judged must not keep the others waiting.
            logger.exception("An observation could not be judged.")
            tried.add(row.pk)
            if isinstance(error, StillHeld):
                # Whoever holds it holds it for the patient's other observations too.
                held.add(row.patient_id)
            _note_attempt(organization_id, row.pk)


def whose_turn(tried: set[UUID], held: set[UUID]) -> QuerySet[Judgement]:
    """The next row to be judged, locked; without those tried and of patients held by somebody."""
    return (
        Judgement.objects.filter(judged_at=None)
        .exclude(pk__in=tried)
        .exclude(patient_id__in=held)
        .order_by("available_at")
        .select_for_update(skip_locked=True, of=["self"])[:1]
    )


def _note_attempt(organization_id: UUID | str, row_id: UUID) -> None:
    with tenancy.acting_for(organization_id, system=True):
        failed = Judgement.objects.filter(pk=row_id, attempts__lt=MOST_ATTEMPTS)
        # Unless another worker judges it by now.
        free = failed.select_for_update(skip_locked=True).values("pk")
        Judgement.objects.filter(pk__in=free).update(
            attempts=F("attempts") + 1, available_at=F("available_at") + PUT_BACK
        )


def rules_on() -> list[RuleVersion]:
    """The newest version of every rule that is switched on."""
    return list(
        RuleVersion.objects.filter(rule__is_on=True)
        .order_by("rule_id", "-number")
        .distinct("rule_id")
    )


def judge(row: Judgement, rules: list[RuleVersion], now: datetime) -> None:
    """Hold one observation against the rules; the caller acts for the system, and has the
    patient's lock."""
    patient = Patient.objects.get(pk=row.patient_id)
    observation = observations.observation_of(row.source_table, row.source_id)
    found: list[Verdict] = []
    if observation is not None:
        found = _verdicts(rules, patient, observation, heard_at(row, observation.measured_at), now)
    met = worst_of(found)
    ask_again = None if observation is None else partial(_asked_again, patient, observation)
    correct(row.source_id, met, ask_again, now)
    if observation is not None:
        for verdict in met.values():
            # What it says was there to be answered since it came, or last changed.
            count_or_raise(patient, observation, verdict, row.queued_at, now)
        recover(patient, observation, in_range(found), now)
    # Also of a reading that was taken back: it may have been part of a score.
    _score_again(row, patient)


def _verdicts(
    rules: list[RuleVersion],
    patient: Patient,
    observation: Observation,
    heard: datetime,
    now: datetime,
) -> list[Verdict]:
    person = observations.person_of(patient, observation.measured_at)
    earlier = observations.earlier_than(patient, observation.measured_at)
    overrides = _overrides(patient, now)
    return [
        verdict
        for rule in rules
        for verdict in verdicts(
            rule,
            person,
            observation,
            now=heard,
            override=overrides.get(rule.rule_id),
            earlier=earlier,
        )
    ]


def _asked_again(
    patient: Patient, observation: Observation, reading: AlertReading
) -> list[Verdict]:
    """What the rule that counted a reading says of the observation as it is now: with the limits
    that the patient had then, and as if no time had passed."""
    rule = reading.counted_by
    return verdicts(
        rule,
        observations.person_of(patient, observation.measured_at),
        observation,
        now=observation.measured_at,
        override=_overrides(patient, reading.counted_at).get(rule.rule_id),
        earlier=observations.earlier_than(patient, observation.measured_at),
    )


def _overrides(patient: Patient, at: datetime) -> dict[UUID, RuleOverride]:
    overrides = RuleOverride.objects.in_force(at).filter(patient=patient)
    return {override.rule_id: override for override in overrides}


def _score_again(row: Judgement, patient: Patient) -> None:
    """NEWS2 of the set that a vital sign is of, or was; a new score queues itself."""
    if row.source_table != "vital_signs":
        return
    sign = VitalSign.objects.filter(pk=row.source_id).only("measured_at").first()
    if sign is not None and row.queued_at - sign.measured_at < RECENT:
        early_warning.rescore(patient, sign.measured_at)


def _longest_horizon(rules: list[RuleVersion]) -> timedelta:
    """What was older when it came is too old for every rule."""
    longest = max((timedelta(hours=rule.horizon_hours) for rule in rules), default=RECENT)
    return max(longest, RECENT)


def _is_free(patient_id: UUID) -> bool:
    """Whether nobody else judges this patient now; until the end of the transaction nobody will."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('alerts ' || %s, 0))",
            [str(patient_id)],
        )
        is_free: bool = cursor.fetchone()[0]
    return is_free
