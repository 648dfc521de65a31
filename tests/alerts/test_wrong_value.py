"""From the form to the end of the alert: a wrong number calls the team, its correction says so.

Everything as people do it: typed on the page of a patient, put right on a page, with the rules that
a clinic begins with.
"""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.defaults import install_defaults
from care.forms.fields import WHEN
from care.models import VitalSign
from care.vital_signs import PULSE

CALM = {
    "breathing": "16", "saturation": "97", "air": "air", "systolic": "124", "diastolic": "78",
    "pulse": "72", "consciousness": "Alert", "temperature": "36.8", "temperature_unit": "Cel",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _default_rules(clinic, system):
    with system():
        install_defaults(clinic.pk, switched_on=True)


@pytest.fixture
def pulse(client_for, ana, system):
    """A pulse of 172 that Ana typed for 72."""
    address = reverse("care:new_reading_of", args=["pulse"])
    client_for(ana).post(address, {"key": uuid.uuid4(), "number_0": "172"})
    with system():
        return VitalSign.objects.get(code=PULSE)


def change(client, row, name="correct_reading", **fields):
    """Post one of the forms of a reading, with the time that it has."""
    at = timezone.localtime(row.measured_at, row.organization.zone).strftime(WHEN)
    address = reverse(f"care:{name}", args=[row.patient_id, row.pk])
    answer = client.post(address, {"key": uuid.uuid4(), "at": at, **fields})
    assert answer.status_code == 302
    return answer


def standing(alerts):
    return {alert.condition: (alert.phase, alert.outcome) for alert in alerts}


def test_a_corrected_pulse_closes_the_alert_and_says_why(
    client_for, ana, ada, pulse, judged, alerts_of, history, told
):
    judged()
    assert standing(alerts_of(ana))["heart-rate:high"] == ("open", "")
    change(client_for(ana), pulse, number_0="72", reason="I typed 1 too much")
    judged()
    assert set(standing(alerts_of(ana)).values()) == {("closed", "wrong_value")}
    alert = next(each for each in alerts_of(ana) if each.condition == "heart-rate:high")
    assert history(alert)[-2:] == ["corrected", "closed"]
    page = client_for(ada).get(reverse("alerts:alert", args=[alert.pk])).content.decode()
    assert "The value was wrong" in page
    # What it was, and why, is one click away for whoever asks.
    reading = reverse("care:reading", args=[ana.patient.pk, pulse.pk])
    assert "It was 172 /min." in client_for(ada).get(reading).content.decode()


def test_a_reading_taken_back_closes_it_too(client_for, ana, ada, pulse, judged, alerts_of):
    judged()
    change(client_for(ada), pulse, "withdraw_reading", reason="The neighbour's")
    judged()
    assert set(standing(alerts_of(ana)).values()) == {("closed", "wrong_value")}


def test_a_reading_corrected_before_it_was_judged_raises_nothing(
    client_for, ana, pulse, judged, alerts_of
):
    change(client_for(ana), pulse, number_0="72")
    judged()
    assert alerts_of(ana) == []


def test_a_correction_into_the_critical_raises(client_for, ana, ada, pulse, judged, alerts_of):
    change(client_for(ana), pulse, number_0="72")
    judged()
    change(client_for(ada), pulse, number_0="172", reason="It was right")
    judged()
    assert standing(alerts_of(ana))["heart-rate:high"] == ("open", "")


def test_the_score_of_a_set_is_corrected_with_its_value(
    client_for, ana, ada, judged, alerts_of, system
):
    client = client_for(ada)
    # 3 for the pulse, 3 for breathing, 2 for the pressure.
    wrong = CALM | {"pulse": "140", "breathing": "28", "systolic": "96", "diastolic": "60"}
    address = reverse("care:new_round", args=[ana.patient.pk])
    assert client.post(address, {"key": uuid.uuid4(), **wrong}).status_code == 302
    judged()
    judged()  # the score that the first round wrote
    news2 = next(each for each in alerts_of(ana) if each.condition == "news2")
    assert (news2.severity, news2.worst_value) == ("critical", Decimal(8))
    with system():
        rows = {row.code: row for row in VitalSign.objects.all()}
    change(client, rows[PULSE], number_0="72", reason="Of the next bed")
    change(client, rows["9279-1"], number_0="16", reason="Of the next bed")
    change(client, rows["85354-9"], number_0="124", number_1="78", reason="Of the next bed")
    judged()
    judged()
    assert set(standing(alerts_of(ana)).values()) == {("closed", "wrong_value")}


def test_an_implausible_number_that_somebody_insists_on_raises_nothing(
    client_for, ana, judged, alerts_of, system
):
    address = reverse("care:new_reading_of", args=["pulse"])
    typed = {"key": uuid.uuid4(), "number_0": "720"}
    assert client_for(ana).post(address, typed).status_code == 422
    assert client_for(ana).post(address, typed | {"is_right": "720 /min"}).status_code == 302
    judged()
    judged()
    assert alerts_of(ana) == []
    with system():
        assert VitalSign.objects.get().is_implausible
