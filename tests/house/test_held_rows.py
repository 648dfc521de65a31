"""Somebody holds a row for longer than anybody waits: who asks is told so, and nothing is saved."""

import json

import psycopg
import pytest
from django.db import connection

from alerts.models import Alert
from care.models import VitalSign
from tests.alerts.conftest import (  # noqa: F401 - alerts, as their own tests raise them
    alert,
    alerts_of,
    arrives,
    judged,
    policy,
    rule,
)
from tests.api.conftest import gateway, program_for  # noqa: F401 - programs with keys
from tests.api.fhir import PATH, heart_rate

pytestmark = [pytest.mark.usefixtures("impatient"), pytest.mark.timeout(120)]

SENTENCE = "Somebody else is just changing this."


@pytest.fixture
def impatient(committed):
    """The role waits for thirty seconds; here it would only cost time."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")


@pytest.fixture
def holder(database_urls):
    """Somebody with a transaction open, and what they have locked in it."""
    with psycopg.connect(database_urls.superuser) as held:
        yield held


@pytest.fixture
def acknowledge(client_for, ada, alert, holder):  # noqa: F811 - a fixture is named where it is asked for
    """`acknowledge(Accept=…)`: Ada's answer while somebody else holds the alert."""
    client = client_for(ada)
    client.raise_request_exception = False
    holder.execute("SELECT FROM assessment_critical_alerts WHERE id = %s FOR UPDATE", [alert.pk])
    return lambda **headers: client.post(f"/alerts/{alert.pk}/acknowledgement/", headers=headers)


def owner_of(alert, system):  # noqa: F811
    with system():
        return Alert.objects.get(pk=alert.pk).owner


def test_a_form_is_answered_with_a_page_that_says_so(acknowledge, holder, alert, system):  # noqa: F811
    answer = acknowledge(accept="text/html")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = answer.content.decode()
    assert SENTENCE in page
    assert "What you sent was not saved" in page
    # What was sent is not sent again by itself.
    assert "come-back.js" not in page
    assert 'http-equiv="refresh"' not in page
    # The walls of every other page.
    assert "script-src" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    holder.rollback()
    assert owner_of(alert, system) is None


def test_a_fragment_is_answered_with_a_line_for_its_page(acknowledge, holder, alert, system):  # noqa: F811
    answer = acknowledge(hx_request="true")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "text/plain"
    assert answer.content.decode() == f"{SENTENCE} Nothing was saved. Please try again."
    holder.rollback()
    assert owner_of(alert, system) is None
    assert acknowledge(hx_request="true").status_code == 200


def test_a_program_is_told_in_json(acknowledge):
    answer = acknowledge(accept="application/json")
    assert answer.status_code == 503
    assert json.loads(answer.content) == {"error": "still_held"}


def test_the_api_answers_as_fhir_says_it_and_stores_nothing(gateway, holder, ana, system):  # noqa: F811
    holder.execute("SELECT FROM patients WHERE id = %s FOR UPDATE", [ana.patient.pk])
    answer = gateway.post(PATH, heart_rate())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/fhir+json"
    (issue,) = json.loads(answer.content)["issue"]
    assert (issue["code"], issue["severity"]) == ("lock-error", "error")
    assert issue["diagnostics"].startswith(SENTENCE)
    holder.rollback()
    with system():
        assert not VitalSign.objects.exists()
    assert gateway.post(PATH, heart_rate()).status_code == 201


def test_what_waits_only_when_it_is_committed_is_told_so_too(client_for, ada, ana, clinic, holder):
    """Foreign keys are looked at last, when the view has answered: here that of the audit log."""
    client = client_for(ada)
    client.raise_request_exception = False
    holder.execute("SELECT FROM organizations WHERE id = %s FOR UPDATE", [clinic.pk])
    answer = client.get(f"/patients/{ana.patient.pk}/", headers={"accept": "text/html"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = answer.content.decode()
    assert SENTENCE in page
    assert ana.user.name not in page
    # To read again does no harm: the page comes back by itself.
    assert "come-back.js" in page
