"""A ward of 200 patients on a database of its own, for test_kills.py: each part a process.

    python -m tests.alerts.ward arrange | write | answer

`write` brings a critical potassium for every patient, one after another; `answer` has the nurse
acknowledge those of every second patient. Both go on where they were when they are started again,
and through every absence of the database.
"""

import sys
import time
from datetime import timedelta
from decimal import Decimal
from uuid import NAMESPACE_DNS, uuid5

import django
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

PATIENTS = 200
PAUSE_SECONDS = 0.06


def number(n: int):
    """The id of the n-th patient, and of their result."""
    return uuid5(NAMESPACE_DNS, f"patient {n}"), uuid5(NAMESPACE_DNS, f"result {n}")


def arrange() -> None:
    """The clinic, its people, 200 patients, one rule."""
    from alerts.models import EscalationPolicy, PolicyVersion, Rule, RuleVersion
    from portal.models import Patient
    from portal.tenancy import acting_for
    from tests.cast import CAST, seat

    seat()
    clinic = CAST.clinic
    steps = [
        {"wait": 0, "tell": "role", "who": "nurse"},
        {"wait": 0.05, "tell": "role", "who": "clinician"},
        {"wait": 0.05, "tell": "role", "who": "nurse"},
    ]
    with acting_for(clinic.pk, system=True):
        policy = EscalationPolicy.objects.create(organization=clinic, name="Fast")
        PolicyVersion.objects.create(
            organization=clinic, policy=policy, number=1, steps=steps, repeats=0, every=60
        )
        rule = Rule.objects.create(organization=clinic, name="Potassium", is_on=True)
        RuleVersion.objects.create(
            organization=clinic,
            rule=rule,
            number=1,
            policy=policy,
            severity="critical",
            what="Potassium",
            codes=["2823-3"],
            unit="mmol/L",
            high=Decimal("6.0"),
        )
        for n in range(PATIENTS):
            Patient.objects.create(
                pk=number(n)[0],
                organization=clinic,
                mrn=f"W{n}",
                name=f"Patient {n}",
                birth_on="1960-01-01",
            )


def write() -> None:
    """A critical result for each patient, once."""
    from care.models import Result

    for n in range(PATIENTS):
        patient, result = number(n)

        def insert(patient=patient, result=result) -> None:
            if not Result.objects.filter(pk=result).exists():
                Result.objects.create(
                    pk=result,
                    organization_id=clinic_id(),
                    patient_id=patient,
                    category="laboratory",
                    code="2823-3",
                    display="Potassium",
                    value=Decimal("6.4"),
                    unit="mmol/L",
                    measured_at=timezone.now() - timedelta(minutes=5),
                )

        whatever_happens(insert)
        time.sleep(PAUSE_SECONDS)


def answer() -> None:
    """Every second patient's alert is acknowledged by Noor, through the action that a page calls.

    She was called by role, so that she sees whom she answers for.
    """
    from alerts.actions import acknowledge
    from alerts.models import Alert
    from portal.access import Reader
    from portal.models import Role, User
    from portal.tenancy import acting_for

    mine = [number(n)[0] for n in range(0, PATIENTS, 2)]
    done = 0

    def take() -> None:
        nonlocal done
        with acting_for(clinic_id(), system=True):
            noor = Reader(User.objects.get(name="Noor Haddad").pk, clinic_id(), Role.NURSE)
            alerts = Alert.objects.filter(patient_id__in=mine)
            waiting = list(alerts.waiting().values_list("pk", flat=True))
            done = alerts.filter(phase="acknowledged").count()
        for alert in waiting:
            with acting_for(noor.organization_id, noor.user_id):
                acknowledge(alert, by=noor, note="On my way")

    while done < len(mine):
        whatever_happens(take)
        time.sleep(0.2)


def clinic_id():
    from portal.models import Organization

    return Organization.objects.get(slug="harbour").pk


def whatever_happens(work) -> None:
    """Do it in a transaction of the system's, again and again until it was committed."""
    from portal.tenancy import acting_for

    while True:
        try:
            if work.__name__ == "insert":
                with acting_for(clinic_id(), system=True):
                    work()
            else:
                work()
            return
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(0.2)


if __name__ == "__main__":
    django.setup()
    {"arrange": arrange, "write": write, "answer": answer}[sys.argv[1]]()
