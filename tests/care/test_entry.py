"""Entering readings by hand: a patient's one at a time, a clinician's set, corrections."""

import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from care.forms.fields import WHEN
from care.forms.reading import KINDS
from care.models import Correction, VitalSign
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, OXYGEN_FLOW, PULSE, SYSTOLIC, TEMPERATURE
from portal.models import Caregiver, CareTeamMembership
from tests.cast import CAST
from tests.words import words_of


@pytest.fixture
def readings(system):
    """`readings()`: every vital sign of Harbour Clinic, oldest first."""

    def readings():
        with system():
            return list(VitalSign.objects.order_by("created_at"))

    return readings


def enter(client, word, **fields):
    fields.setdefault("key", uuid.uuid4())
    address = reverse("care:new_reading_of", args=[word])
    return client.post(address + fields.pop("query", ""), fields)


def answer_of(response):
    """The value of the button that says yes."""
    found = re.search(r'name="is_right" value="([^"]*)"', response.content.decode())
    return found[1]


def test_a_patient_enters_a_pressure_and_is_told_what_happens_next(client_for, ana, readings):
    client = client_for(ana)
    response = enter(client, "pressure", number_0="132", number_1="84")
    (row,) = readings()
    assert (row.component(SYSTOLIC), row.component(DIASTOLIC)) == (132, 84)
    assert (row.source, row.recorded_by_id) == ("patient", ana.user.pk)
    page = client.get(response["Location"]).content.decode()
    assert "Saved" in page
    assert "132/84" in page
    assert "Your care team can see it now" in page


@pytest.mark.parametrize("word", [word for word in KINDS if word not in ("pressure", "pain")])
def test_each_kind_has_its_form_and_is_saved(client_for, ana, readings, word):
    client = client_for(ana)
    assert client.get(reverse("care:new_reading_of", args=[word])).status_code == 200
    unit = {"temperature": "Cel", "weight": "kg"}.get(word, "")
    value = {"temperature": "37,2", "oxygen": "97"}.get(word, "60")
    assert enter(client, word, number_0=value, unit=unit).status_code == 302
    (row,) = readings()
    assert (row.value, row.code) == (Decimal(value.replace(",", ".")), KINDS[word].code)


def test_pain_is_chosen_and_not_typed(client_for, ana, readings):
    assert enter(client_for(ana), "pain", number_0="4").status_code == 302
    assert enter(client_for(ana), "pain", number_0="11").status_code == 422
    assert [row.value for row in readings()] == [4]


def test_degrees_fahrenheit_are_kept_as_celsius_and_asked_for_next_time(client_for, ana, readings):
    client = client_for(ana)
    response = enter(client, "temperature", number_0="98.4", unit="[degF]")
    (row,) = readings()
    assert (row.value, row.unit) == (Decimal("36.888889"), "Cel")
    assert "98.4 °F" in client.get(response["Location"]).content.decode()
    form = client.get(reverse("care:new_reading_of", args=["temperature"])).content.decode()
    assert re.search(r'value="\[degF\]"[^>]*checked', form)


def test_an_unlikely_number_is_asked_about_and_what_was_typed_is_kept(client_for, ana, readings):
    client = client_for(ana)
    key = uuid.uuid4()
    response = enter(client, "pulse", number_0="720", key=key)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Is this right?" in page
    assert 'value="720"' in page
    assert readings() == []
    # Saying yes holds for the number that was asked about, and for no other.
    yes = answer_of(response)
    assert enter(client, "pulse", number_0="730", key=key, is_right=yes).status_code == 422
    saved = enter(client, "pulse", number_0="720", key=key, is_right=yes)
    (row,) = readings()
    assert (row.value, row.is_implausible) == (720, True)
    assert "we do not use it" in client.get(saved["Location"]).content.decode()


def test_enter_does_not_say_yes(client_for, ana):
    page = enter(client_for(ana), "pulse", number_0="720").content.decode()
    form = page[page.index('<form class="card form') :]
    buttons = re.findall(r"<button[^>]*>", form)
    assert "is_right" not in buttons[0]
    assert "is_right" in buttons[1]


@pytest.mark.parametrize("typed", ["", "abc", "1e400", "NaN", "12 12 12x", "9" * 13])
def test_what_is_no_number_is_said_beside_it_and_stays(client_for, ana, readings, typed):
    response = enter(client_for(ana), "pulse", number_0=typed)
    assert response.status_code == 422
    page = response.content.decode()
    assert "field--wrong" in page
    assert not typed or f'value="{typed}"' in page
    assert readings() == []


def test_half_a_pressure_is_asked_for_the_other_half(client_for, ana, readings):
    response = enter(client_for(ana), "pressure", number_0="132", number_1="")
    assert "Please type the number." in response.content.decode()
    assert 'value="132"' in response.content.decode()
    assert readings() == []


def test_pressing_twice_saves_once(client_for, ana, readings):
    client, key = client_for(ana), uuid.uuid4()
    first = enter(client, "pulse", number_0="72", key=key)
    again = enter(client, "pulse", number_0="72", key=key)
    assert first["Location"] == again["Location"]
    assert len(readings()) == 1


def test_a_reading_of_this_morning_has_its_own_time(client_for, ana, readings):
    local = timezone.localtime(timezone.now(), ana.organization.zone) - timedelta(hours=3)
    at = local.replace(second=0, microsecond=0)
    enter(client_for(ana), "pulse", number_0="72", at=at.strftime(WHEN))
    assert readings()[0].measured_at == at
    later = (local + timedelta(hours=5)).strftime(WHEN)
    response = enter(client_for(ana), "pulse", number_0="72", at=later)
    assert "still to come" in response.content.decode()


def test_a_caregiver_enters_for_the_patient(client_for, ana, sam, readings):
    response = enter(client_for(sam), "pulse", number_0="72", query=f"?patient={ana.patient.pk}")
    assert response.status_code == 302
    assert readings()[0].recorded_by_id == sam.user.pk


def test_a_caregiver_who_may_only_look_is_told_so(client_for, sam, system, readings):
    with system():
        Caregiver.objects.update(scope="read")
    client = client_for(sam)
    assert enter(client, "pulse", number_0="72").status_code == 302
    page = client.get(reverse("care:new_reading")).content.decode()
    assert "You can look, but not add" in page
    assert readings() == []


# The team's set ---------------------------------------------------------------------------------

WHOLE = {
    "breathing": "16", "saturation": "97", "air": "air", "systolic": "124", "diastolic": "78",
    "pulse": "72", "consciousness": "Alert", "temperature": "36.8", "temperature_unit": "Cel",
}  # fmt: skip


def take(client, patient, **fields):
    address = reverse("care:new_round", args=[patient.patient.pk])
    return client.post(address, {"key": uuid.uuid4(), **fields})


def test_a_clinician_records_a_set_at_one_time(client_for, ana, ada, readings):
    assert take(client_for(ada), ana, **WHOLE).status_code == 302
    rows = {row.code: row for row in readings()}
    assert len(rows) == 7
    assert len({row.measured_at for row in rows.values()}) == 1
    assert (rows[OXYGEN_FLOW].value, rows["80288-4"].text_value) == (0, "Alert")
    assert rows[BLOOD_PRESSURE].component(SYSTOLIC) == 124
    assert {row.source for row in rows.values()} == {"clinician"}


def test_a_set_makes_a_complete_score(client_for, ana, ada, readings, system):
    from care.early_warning import rescore

    take(client_for(ada), ana, **WHOLE | {"air": "oxygen", "flow": "2", "consciousness": "Alert"})
    with system():
        score = rescore(ana.patient, readings()[0].measured_at)
    assert (score.total, score.at_least) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"air": "air", "flow": "2"}, "Air has no flow"),
        ({"air": "oxygen"}, "Give the flow"),
        ({"air": "oxygen", "flow": "0"}, "Give the flow"),
        ({"diastolic": ""}, "needs both numbers"),
        ({"pulse": "fast"}, "Please type a number"),
        ({"at": "yesterday"}, "Please choose a day"),
    ],
)
def test_what_does_not_fit_together_is_said_and_nothing_is_saved(
    client_for, ana, ada, readings, changes, words
):
    response = take(client_for(ada), ana, **WHOLE | changes)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert 'value="124"' in response.content.decode()
    assert readings() == []


def test_an_empty_set_is_not_saved(client_for, ana, ada, readings):
    response = take(client_for(ada), ana)
    assert "Enter at least one value." in response.content.decode()
    assert readings() == []


def test_every_unlikely_number_of_a_set_is_asked_about_at_once(client_for, ana, ada, readings):
    client, wrong = client_for(ada), WHOLE | {"pulse": "720", "diastolic": "8"}
    response = take(client, ana, **wrong)
    page = response.content.decode()
    assert "Heart rate 720 /min" in page
    assert "Diastolic pressure 8 mmHg" in page
    assert readings() == []
    yes = answer_of(response)
    assert take(client, ana, **wrong | {"is_right": yes, "pulse": "721"}).status_code == 422
    assert take(client, ana, **wrong | {"is_right": yes}).status_code == 302
    assert {row.code for row in readings() if row.is_implausible} == {PULSE, BLOOD_PRESSURE}


def test_who_may_only_read_the_record_records_nothing(client_for, ana, ada, system, readings):
    with system():
        CareTeamMembership.objects.update(access="read")
    assert take(client_for(ada), ana, **WHOLE).status_code == 404
    page = client_for(ada).get(reverse("care:new_round", args=[ana.patient.pk])).content.decode()
    assert "not write in it" in page
    assert readings() == []


# Putting right ----------------------------------------------------------------------------------


def address_of(name, row):
    return reverse(f"care:{name}", args=[row.patient_id, row.pk])


@pytest.fixture
def pulse(client_for, ana, readings):
    """A pulse of 210 that Ana typed."""
    enter(client_for(ana), "pulse", number_0="210")
    return readings()[0]


def correct(client, row, **fields):
    at = timezone.localtime(row.measured_at, CAST.clinic.zone).strftime(WHEN)
    return client.post(
        address_of("correct_reading", row), {"key": uuid.uuid4(), "at": at, **fields}
    )


def test_a_patient_changes_what_they_typed(client_for, ana, pulse, readings):
    client = client_for(ana)
    assert 'value="210"' in client.get(address_of("correct_reading", pulse)).content.decode()
    assert correct(client, pulse, number_0="120").status_code == 302
    assert (readings()[0].value, readings()[0].status) == (120, "corrected")
    page = client.get(address_of("reading", pulse)).content.decode()
    assert "It was 210 /min." in page


def test_the_team_says_why_and_the_patient_can_read_it(client_for, ana, ada, pulse, system):
    client = client_for(ada)
    assert correct(client, pulse, number_0="120").status_code == 422
    assert correct(client, pulse, number_0="120", reason="Digits turned").status_code == 302
    with system():
        assert Correction.objects.get().by_id == ada.user.pk
    assert "Digits turned" in client_for(ana).get(address_of("reading", pulse)).content.decode()


def test_a_temperature_is_corrected_in_the_unit_it_was_typed_in(client_for, ana, readings):
    client = client_for(ana)
    enter(client, "temperature", number_0="89.4", unit="[degF]")
    row = readings()[0]
    page = client.get(address_of("correct_reading", row)).content.decode()
    assert 'value="89.4"' in page
    assert re.search(r'value="\[degF\]"[^>]*checked', page)
    assert correct(client, row, number_0="98.4", unit="[degF]").status_code == 302
    assert readings()[0].value == Decimal("36.888889")
    assert readings()[0].code == TEMPERATURE


def test_a_correction_is_asked_about_too(client_for, ana, pulse, readings):
    client = client_for(ana)
    response = correct(client, pulse, number_0="2100")
    assert "Is this right?" in response.content.decode()
    assert readings()[0].value == 210


def test_taking_back_leaves_every_list_and_stays_on_record(client_for, ana, pulse, readings):
    client = client_for(ana)
    assert client.post(address_of("withdraw_reading", pulse)).status_code == 302
    assert readings()[0].status == "entered-in-error"
    page = client.get(address_of("reading", pulse)).content.decode()
    assert "Taken back" in page
    assert "Change it" not in page
    assert client.get(address_of("correct_reading", pulse)).status_code == 302
    panel = client.get(reverse("care:panel_vitals", args=[ana.patient.pk]))
    assert "210" not in words_of(panel)


def test_the_team_takes_back_with_a_reason(client_for, ada, pulse, readings):
    client = client_for(ada)
    response = client.post(address_of("withdraw_reading", pulse))
    assert response.status_code == 422
    assert "Say in a few words" in response.content.decode()
    assert readings()[0].status == "final"
    client.post(address_of("withdraw_reading", pulse), {"reason": "Another person"})
    assert readings()[0].status == "entered-in-error"


@pytest.mark.parametrize("name", ["sam", "ben", "boris", "olga", "admin"])
def test_nobody_else_changes_or_takes_back(client_for, cast, pulse, readings, name):
    client = client_for(getattr(cast, name))
    assert client.get(address_of("correct_reading", pulse)).status_code == 404
    assert correct(client, pulse, number_0="80", reason="x").status_code == 404
    assert client.post(address_of("withdraw_reading", pulse)).status_code == 404
    assert readings()[0].status == "final"
