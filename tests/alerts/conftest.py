"""A clinic that watches: rules that are on, readings that arrive, a judge that is asked."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from tests.job_worker import GONE, sign_of_life

POTASSIUM, PULSE = "2823-3", "8867-4"


@pytest.fixture
def policy(clinic, system):
    """`policy(steps=[…])`: an escalation policy of Harbour Clinic, unless told otherwise."""
    from alerts.models import EscalationPolicy, PolicyVersion

    made = []

    def policy(*, organization=clinic, **values):
        steps = [
            {"wait": 0, "tell": "care_team"},
            {"wait": 5, "tell": "role", "who": "clinician"},
        ]
        with system(organization):
            policy = EscalationPolicy.objects.create(
                organization=organization, name=f"Policy {len(made)}"
            )
            made.append(policy)
            PolicyVersion.objects.create(
                organization=organization, policy=policy, number=1, **({"steps": steps} | values)
            )
        return policy

    return policy


@pytest.fixture
def rule(clinic, system, policy):
    """`rule(high="6.0")`: a rule that is on; about potassium unless told otherwise."""
    from alerts.models import Rule, RuleVersion

    def rule(*, organization=clinic, policy_of=None, **values):
        told_by = policy_of or policy(organization=organization)
        values = {
            "number": 1,
            "kind": "value",
            "severity": "critical",
            "what": "Potassium",
            "codes": [POTASSIUM],
            "unit": "mmol/L",
        } | values
        for name in ("low", "high", "hours"):
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        with system(organization):
            owner = Rule.objects.create(
                organization=organization, name=f"Rule {Rule.objects.count()}", is_on=True
            )
            return RuleVersion.objects.create(
                organization=organization, rule=owner, policy=told_by, **values
            )

    return rule


@pytest.fixture
def arrives(system):
    """`arrives(ana, "6.4")`: a laboratory result, five minutes old, in the record."""
    from care.models import Result, VitalSign

    def arrives(person, value, *, code=POTASSIUM, unit="mmol/L", minutes=5, **fields):
        model = VitalSign if fields.pop("vital", False) else Result
        with system(person.organization):
            return model.objects.create(
                organization=person.organization,
                patient=person.patient,
                category="laboratory",
                code=code,
                display=code,
                value=None if value is None else Decimal(value),
                unit=unit,
                measured_at=timezone.now() - timedelta(minutes=minutes),
                **fields,
            )

    return arrives


@pytest.fixture
def judged(clinic):
    """`judged()` judges whatever waits in Harbour Clinic and returns how many that were."""
    from alerts.judge import judge_waiting

    return lambda: judge_waiting(clinic.pk)


@pytest.fixture
def alerts_of(system):
    """`alerts_of(ana)`: her alerts, the oldest first."""
    from alerts.models import Alert

    def alerts_of(person):
        with system(person.organization):
            return list(
                Alert.objects.filter(patient=person.patient)
                .select_related("patient", "owner")
                .order_by("raised_at")
            )

    return alerts_of


@pytest.fixture
def alert(rule, arrives, judged, alerts_of, ana):
    """A critical potassium of Ana's that nobody has acknowledged."""
    rule(high="6.0")
    arrives(ana, "6.4")
    judged()
    (alert,) = alerts_of(ana)
    return alert


@pytest.fixture
def pass_minutes(system):
    """`pass_minutes(alert, 5)`: as if its next step had been due so much earlier."""
    from django.db.models import F

    from alerts.models import AlertStep

    def pass_minutes(alert, minutes):
        with system(alert.organization):
            AlertStep.objects.filter(alert=alert, done_at=None, cancelled_at=None).update(
                due_at=F("due_at") - timedelta(minutes=minutes)
            )

    return pass_minutes


@pytest.fixture
def history(system):
    """`history(alert)`: what happened to it, in words, oldest first."""
    from alerts.models import AlertRecord

    def history(alert):
        with system():
            return [
                record.kind
                for record in AlertRecord.objects.filter(alert=alert).order_by("at", "pk")
            ]

    return history


@pytest.fixture
def told(system):
    """`told(alert)`: the names of whoever was told of it, each as often as they were."""
    from alerts.models import AlertRecord

    def told(alert):
        with system(alert.organization):
            rows = AlertRecord.objects.filter(alert=alert, kind="told").select_related("user")
            return sorted(row.user.name.split()[0] for row in rows)

    return told


@pytest.fixture
def works():
    """A worker that lives: `works(61)` one whose last sign of life is 61 seconds old."""

    def works(seconds=0):
        with connections["owner"].cursor() as cursor:
            cursor.execute(GONE)
            cursor.execute(sign_of_life(f"{seconds} s"))

    yield works
    with connections["owner"].cursor() as cursor:
        cursor.execute(GONE)


@pytest.fixture
def kinds(system):
    """The alarms of Harbour Clinic that are open."""

    from alerts.models import AuditorAlarm

    def kinds():
        with system():
            return sorted(AuditorAlarm.objects.filter(ended_at=None).values_list("kind", flat=True))

    return kinds
