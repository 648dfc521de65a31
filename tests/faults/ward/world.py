"""A ward seated in a run's database: patients, one rule, one policy, and staff who are signed in.

python -m tests.faults.ward.world PATIENTS       prints who they are, as JSON
"""

import json
import os
import sys
from decimal import Decimal

import django

CODE, LIMIT = "2823-3", Decimal("6.0")
# Minutes: the nurse at once, the clinicians a quarter of a minute later. What comes after an hour
# is beyond a run.
STEPS = [
    {"wait": 0, "tell": "role", "who": "nurse"},
    {"wait": 0.25, "tell": "role", "who": "clinician"},
]
WAITS = tuple(60 * step["wait"] for step in STEPS)


def main(patients: int) -> None:
    django.setup()
    from django.conf import settings

    # A real hasher costs a quarter of a second for each of them.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from tests.cast import CAST, seat, signed_in

    seat()
    told = {
        "cookie": settings.SESSION_COOKIE_NAME,
        "csrf": settings.CSRF_COOKIE_NAME,
        "organization": str(CAST.clinic.pk),
        "patients": _patients(patients),
        "staff": {
            name: {
                "user": str(person.user.pk),
                "session": signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value,
            }
            for name, person in (("noor", CAST.noor), ("ada", CAST.ada), ("boris", CAST.boris))
        },
    }
    print(json.dumps(told))


def _patients(count: int) -> list[str]:
    """They are on everybody's team: a call would give each of them a right of its own."""
    from alerts.models import EscalationPolicy, PolicyVersion, Rule, RuleVersion
    from portal.models import CareTeamMembership, Patient
    from portal.tenancy import acting_for
    from tests.cast import CAST, LONG_AGO

    clinic = CAST.clinic
    with acting_for(clinic.pk, system=True):
        policy = EscalationPolicy.objects.create(organization=clinic, name="Fast")
        PolicyVersion.objects.create(
            organization=clinic, policy=policy, number=1, steps=STEPS, repeats=0, every=60
        )
        rule = Rule.objects.create(organization=clinic, name="Potassium", is_on=True)
        RuleVersion.objects.create(
            organization=clinic,
            rule=rule,
            number=1,
            policy=policy,
            severity="critical",
            what="Potassium",
            codes=[CODE],
            unit="mmol/L",
            high=LIMIT,
        )
        patients = Patient.objects.bulk_create(
            Patient(organization=clinic, mrn=f"W{n}", name=f"Patient {n}", birth_on="1960-01-01")
            for n in range(count)
        )
        CareTeamMembership.objects.bulk_create(
            CareTeamMembership(
                organization=clinic, patient=patient, provider=who.provider, starts_at=LONG_AGO
            )
            for patient in patients
            for who in (CAST.noor, CAST.ada, CAST.boris)
        )
    return [str(patient.pk) for patient in patients]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    main(int(sys.argv[1]))
