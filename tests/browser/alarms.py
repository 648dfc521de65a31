"""Alerts that tests of open pages need, raised on the server's database; and alerts that fail."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

import psycopg

from portal.embedded.postgres import DatabaseUrls
from tests.job_worker import GONE, sign_of_life

_FOUND = """
    INSERT INTO auditor_alarms (id, organization_id, kind, number, found_at)
    SELECT gen_random_uuid(), id, 'worker_silent', 1, now() FROM organizations
    ON CONFLICT DO NOTHING
"""
_OVER = "UPDATE auditor_alarms SET ended_at = now() WHERE ended_at IS NULL"


@contextmanager
def a_living_worker(database_urls: DatabaseUrls) -> Iterator[None]:
    """A job worker lives, as far as the auditor can see: pages of staff say so while none does."""
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute(sign_of_life())
        yield
        connection.execute(GONE)


@contextmanager
def failing_alerts(database_urls: DatabaseUrls) -> Iterator[None]:
    """The living worker is gone, and the auditor has found it; it would itself within 10 s."""
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute(GONE)
        connection.execute(_FOUND)
        yield
        connection.execute(sign_of_life())
        connection.execute(_OVER)


# Name: LOINC and severity. Each is high above 6, and comes with a value of 7.
RULES = {
    "Potassium": ("2823-3", "critical"),
    "Lactate": ("2524-7", "critical"),
    "Urea": ("22664-7", "urgent"),
    "Phosphate": ("14879-1", "urgent"),
}


class Alarms:
    """A clinic whose rules watch a patient; calling it raises an alert, with its id."""

    def __init__(self, system: Callable[[], AbstractContextManager[None]], patient) -> None:
        from alerts.models import EscalationPolicy, PolicyVersion, Rule, RuleVersion

        self._system = system
        self._patient = patient
        clinic = patient.organization
        with system():
            policy = EscalationPolicy.objects.create(organization=clinic, name="Care team")
            PolicyVersion.objects.create(
                organization=clinic,
                policy=policy,
                number=1,
                steps=[{"wait": 0, "tell": "care_team"}],
            )
            for what, (code, severity) in RULES.items():
                rule = Rule.objects.create(organization=clinic, name=what, is_on=True)
                RuleVersion.objects.create(
                    organization=clinic, rule=rule, policy=policy, number=1, severity=severity,
                    what=what, codes=[code], unit="mmol/L", high=6,
                )  # fmt: skip

    def __call__(self, what: str = "Potassium") -> UUID:
        from django.utils import timezone

        from alerts.judge import judge_waiting
        from alerts.models import Alert
        from care.models import Result

        with self._system():
            Result.objects.create(
                organization_id=self._patient.organization_id, patient=self._patient,
                category="laboratory", code=RULES[what][0], display=what, value=7, unit="mmol/L",
                measured_at=timezone.now(),
            )  # fmt: skip
        judge_waiting(self._patient.organization_id)
        with self._system():
            return Alert.objects.get(patient=self._patient, what=what).pk
