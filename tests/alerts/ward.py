"""A ward of 200 patients on a database of its own, for test_kills.py: each part a process.

    python -m tests.alerts.ward arrange | write | answer

`arrange` prints the key of the nurse's session. `write` brings a critical potassium for every
patient, one after another; `answer` has the nurse's browser (WARD_SESSION) acknowledge those of
every second patient at the web server (WARD_PORT). Both go on where they were when they are started
again, and through every absence of the database or the server.
"""

import http.client
import os
import sys
import time
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from uuid import NAMESPACE_DNS, uuid5

import django
from django.conf import settings
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
    from tests.cast import CAST, seat, signed_in

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
    print(signed_in(CAST.noor).cookies[settings.SESSION_COOKIE_NAME].value)


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
    """Every second patient's alert is acknowledged by Noor, as her page does it.

    She was called by role, so that she sees whom she answers for.
    """
    from alerts.models import Alert

    mine = [number(n)[0] for n in range(0, PATIENTS, 2)]
    waiting, done = [], 0

    def look() -> None:
        nonlocal waiting, done
        alerts = Alert.objects.filter(patient_id__in=mine)
        waiting = list(alerts.waiting().values_list("pk", flat=True))
        done = alerts.filter(phase="acknowledged").count()

    while done < len(mine):
        whatever_happens(look)
        for alert in waiting:
            try:
                acknowledge(alert)
            except (OSError, http.client.HTTPException):
                break  # the server is away; what it had done by then is seen by the next look
        time.sleep(0.2)


def acknowledge(alert) -> None:
    """Press the button. Raises OSError or HTTPException when there is no answer."""
    token = "t" * 32  # of a browser's own making: the form's and the cookie's have to agree
    cookies = {
        settings.SESSION_COOKIE_NAME: os.environ["WARD_SESSION"],
        settings.CSRF_COOKIE_NAME: token,
    }
    with closing(http.client.HTTPConnection("127.0.0.1", int(os.environ["WARD_PORT"]), 10)) as line:
        line.request(
            "POST",
            f"/alerts/{alert}/acknowledgement/",
            body=f"note=On+my+way&csrfmiddlewaretoken={token}",
            headers={
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        status = line.getresponse().status
    # Not hers yet (nobody told her), taken, or the database is away: all else is a mistake.
    assert status in {302, 404, 500, 503}, status


def clinic_id():
    from portal.models import Organization

    return Organization.objects.get(slug="harbour").pk


def whatever_happens(work) -> None:
    """Do it in a transaction of the system's, again and again until it was committed."""
    from portal.tenancy import acting_for

    while True:
        try:
            with acting_for(clinic_id(), system=True):
                work()
            return
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(0.2)


if __name__ == "__main__":
    django.setup()
    {"arrange": arrange, "write": write, "answer": answer}[sys.argv[1]]()
