"""Observations in, over REST: once, corrected, on the right patient; refusals with their place."""

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from fhir.resources.R4B.observation import Observation

from care.models import Correction, Result
from portal import allowances
from portal.models import Allowance, AuditEntry
from tests.api.fhir import FUTURE, PATH, SYSTEM, heart_rate, issues


@pytest.fixture
def writer(program_for, admin):
    """A program that may send and not read."""
    return program_for(admin, "observations:write", name="Monitor")


# One ------------------------------------------------------------------------------------------


def test_an_observation_is_stored_and_shown_as_stored(gateway, stored, ana):
    answer = gateway.post(PATH, heart_rate())
    assert answer.status_code == 201
    (row,) = stored()
    assert (row.patient_id, row.code, row.value, row.unit) == (
        ana.patient.pk,
        "8867-4",
        Decimal(72),
        "/min",
    )
    assert (row.source, row.sent_by_id, row.recorded_by_id) == ("api", gateway.account.pk, None)
    assert answer["Location"] == f"{PATH}{row.pk}/"
    shown = Observation.model_validate(answer.json())
    assert shown.id == str(row.pk)
    assert shown.identifier[0].value == "1"
    assert gateway.get(answer["Location"]).json() == answer.json()


def test_a_patient_is_named_by_id_too(gateway, stored, ana):
    assert gateway.post(PATH, heart_rate(ana.patient.pk)).status_code == 201
    assert stored()[0].patient_id == ana.patient.pk


def test_the_same_again_is_the_same(gateway, stored):
    sent = heart_rate()
    first, again = gateway.post(PATH, sent), gateway.post(PATH, sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert len(stored()) == 1
    assert stored(Correction) == []


def test_other_content_corrects_it(gateway, stored, system):
    sent = heart_rate()
    first = gateway.post(PATH, sent)
    sent["valueQuantity"]["value"] = 75
    sent["status"] = "corrected"
    changed = gateway.post(PATH, sent)
    assert (changed.status_code, changed.json()["id"]) == (200, first.json()["id"])
    assert changed.json()["valueQuantity"]["value"] == 75
    (row,) = stored()
    assert (row.value, row.status) == (Decimal(75), "corrected")
    (correction,) = stored_corrections(system)
    assert correction.was["value"] == "72"


def stored_corrections(system):
    with system():
        return list(Correction.objects.all())


def test_a_unit_becomes_the_analytes_own(gateway, stored):
    fever = heart_rate(
        code={"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        valueQuantity={"value": 101.3, "code": "[degF]"},
    )
    assert gateway.post(PATH, fever).status_code == 201
    (row,) = stored()
    assert (row.value, row.unit, row.reported_unit) == (Decimal("38.5"), "Cel", "[degF]")


def test_a_result_of_a_laboratory_and_a_pressure(gateway, stored):
    potassium = heart_rate(
        code={"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        valueQuantity={"value": 6.1, "code": "mmol/L"},
        referenceRange=[{"low": {"value": 3.5}, "high": {"value": 5.1}}],
        interpretation=[{"coding": [{"code": "H"}]}],
    )
    answer = gateway.post(PATH, potassium)
    assert answer.status_code == 201, answer.content
    Observation.model_validate(answer.json())
    assert [row.code for row in stored(Result)] == ["2823-3"]

    def part(code, value):
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "code": "mm[Hg]"},
        }

    pressure = heart_rate(
        number="2",
        code={"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        component=[part("8480-6", 120), part("8462-4", 80)],
    )
    del pressure["valueQuantity"]
    answer = gateway.post(PATH, pressure)
    assert answer.status_code == 201, answer.content
    Observation.model_validate(answer.json())
    assert [each["valueQuantity"]["value"] for each in answer.json()["component"]] == [120, 80]


def test_what_no_living_person_has_is_kept_aside(gateway, stored):
    answer = gateway.post(PATH, heart_rate(value=900))
    assert answer.status_code == 201
    assert stored()[0].is_implausible
    assert "not judged" in answer.json()["note"][0]["text"]


def test_it_is_on_record_as_the_accounts(gateway, ana, system):
    gateway.post(PATH, heart_rate())
    with system():
        entry = AuditEntry.objects.get(action="vital_sign.recorded")
    assert (entry.actor_id, entry.patient_id) == (gateway.account.pk, ana.patient.pk)


def test_it_is_queued_for_judgement(gateway, stored, system):
    from alerts.models import Judgement

    gateway.post(PATH, heart_rate())
    with system():
        assert Judgement.objects.get().source_id == stored()[0].pk


# Refusals -------------------------------------------------------------------------------------


def without(name):
    resource = heart_rate()
    del resource[name]
    return resource


@pytest.mark.parametrize(
    ("resource", "status", "path", "code"),
    [
        ({"resourceType": "Patient"}, 422, "Observation", "not-supported"),
        ({}, 422, "Observation", "not-supported"),
        (without("status"), 422, "Observation.status", "structure"),
        (without("code"), 422, "Observation.code", "structure"),
        (without("identifier"), 422, "Observation.identifier", "required"),
        (without("subject"), 422, "Observation.subject", "value"),
        (without("effectiveDateTime"), 422, "Observation", "business-rule"),
        (heart_rate(status="wonderful"), 422, "Observation", "business-rule"),
        (heart_rate(effectiveDateTime="yesterday"), 422, "Observation.effectiveDateTime",
         "structure"),
        (heart_rate(effectiveDateTime=FUTURE), 422, "Observation.effective", "business-rule"),
        (heart_rate(effectiveDateTime="1899-12-31T23:59:59Z"), 422, "Observation.effective",
         "business-rule"),
        (heart_rate(effectiveDateTime="0001-01-01T00:00:00Z"), 422, "Observation.effective",
         "business-rule"),
        (heart_rate(effectiveDateTime="0001-01-01T00:00:00+14:00"), 422, "Observation.effective",
         "business-rule"),
        (heart_rate(valueQuantity={"value": 5, "code": "furlong"}), 422, "Observation.value",
         "business-rule"),
        (heart_rate(valueQuantity={"value": 5}), 422, "Observation.value", "business-rule"),
        (heart_rate(valueQuantity={"value": "many"}), 422, "Observation.valueQuantity.value",
         "structure"),
        (heart_rate(component=[{"code": 5}]), 422, "Observation.component[0].code", "structure"),
        (heart_rate(subject={"reference": "Patient/7"}), 422, "Observation.subject", "value"),
        (heart_rate(subject={"reference": "Group/7"}), 422, "Observation.subject", "value"),
        (heart_rate(subject={"identifier": {"system": "urn:other", "value": "4471"}}), 422,
         "Observation.subject", "value"),
        (heart_rate(identifier=[{"value": "x" * 300}]), 422, "Observation", "business-rule"),
        (heart_rate(surprise=1), 422, "Observation.surprise", "structure"),
    ],
)  # fmt: skip
def test_every_refusal_says_where_and_why(gateway, stored, resource, status, path, code):
    answer = gateway.post(PATH, resource)
    assert answer.status_code == status, answer.content
    assert (path, code) in issues(answer)
    assert stored() == []


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        ("{", "application/fhir+json", 400),
        ("[]", "application/json", 400),
        ("NaN", "application/json", 400),
        ('{"a": NaN}', "application/json", 400),
        (b"\xff", "application/json", 400),
        ("[" * 20_000, "application/json", 400),
        ('{"a": ' + "9" * 5_000 + "}", "application/json", 400),
        ("a=b", "application/x-www-form-urlencoded", 415),
        ("<Observation/>", "application/fhir+xml", 415),
        ("{}" + " " * 1_000_001, "application/json", 413),
    ],
)
def test_a_body_that_is_no_resource(gateway, body, type, status):
    answer = gateway.client.post(PATH, body, content_type=type)
    assert answer.status_code == status
    assert issues(answer)


def test_a_reason_quotes_nothing_that_was_sent(gateway):
    answer = gateway.post(PATH, heart_rate(effectiveDateTime="CANARY", surprise="CANARY"))
    assert "CANARY" not in answer.content.decode()


def test_who_is_not_here_and_who_is_elsewhere_are_one_answer(gateway, carla, stored):
    answers = [
        gateway.post(PATH, heart_rate(carla.patient.pk)),
        gateway.post(PATH, heart_rate(uuid.uuid4())),
        gateway.post(PATH, heart_rate(subject={"identifier": {"value": carla.patient.mrn}})),
        gateway.post(PATH, heart_rate(subject={"identifier": {"value": "nobody"}})),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.content for answer in answers}) == 1
    assert stored() == []


def test_an_identifier_of_another_patient_is_not_taken_over(gateway, ben, stored):
    gateway.post(PATH, heart_rate())
    answer = gateway.post(PATH, heart_rate(ben.patient.pk))
    assert answer.status_code == 409
    assert issues(answer) == [("Observation.identifier", "duplicate")]
    assert len(stored()) == 1


def test_another_senders_observation_is_not_its_to_change(gateway, writer, stored, ana):
    gateway.post(PATH, heart_rate(value=72))
    answer = writer.post(PATH, heart_rate(value=40))
    assert answer.status_code == 409
    assert [row.value for row in stored()] == [Decimal(72)]


def test_clinics_do_not_share_identifiers(gateway, program_for, other_admin, carla):
    other = program_for(other_admin)
    assert gateway.post(PATH, heart_rate()).status_code == 201
    assert other.post(PATH, heart_rate(carla.patient.pk)).status_code == 201


def test_after_a_patients_death_nothing_is_measured(gateway, ana, system):
    with system():
        ana.patient.deceased_at = timezone.now() - timedelta(days=1)
        ana.patient.save(update_fields=["deceased_at"])
    answer = gateway.post(PATH, heart_rate())
    ana.patient.deceased_at = None
    assert issues(answer) == [("Observation.effective", "business-rule")]


# Whose key ------------------------------------------------------------------------------------


def test_every_key_that_opens_nothing_gets_one_answer(gateway, key_for, admin, system, client):
    from portal.models import ServiceAccount

    _, revoked = key_for(admin, name="Revoked")
    _, expired = key_for(admin, name="Expired")
    with system():
        now = timezone.now()
        ServiceAccount.objects.filter(name="Revoked").update(revoked_at=now)
        ServiceAccount.objects.filter(name="Expired").update(expires_at=now)
    shown = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Basic {gateway.key}"},
        {"Authorization": f"Bearer {revoked}"},
        {"Authorization": f"Bearer {expired}"},
        {"Authorization": f"Bearer {gateway.key[:-1]}"},
    ]
    answers = [
        client.post(PATH, heart_rate(), content_type="application/fhir+json", headers=headers)
        for headers in shown
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert len({json.dumps(sorted(a.headers.items() - {("X-Request-Id", a["X-Request-Id"])}))
                for a in answers}) == 1  # fmt: skip


def test_a_key_in_an_address_opens_nothing(gateway, client):
    for name in ("key", "api_key", "access_token", "authorization"):
        answer = client.get(f"{PATH}?{name}={gateway.key}")
        assert answer.status_code == 401


def test_a_key_that_opens_nothing_does_not_fall_back_to_a_session(client_for, ada, ana):
    browser = client_for(ada)
    wanted = f"{PATH}?patient={ana.patient.pk}"
    assert browser.get(wanted).status_code == 200
    assert browser.get(wanted, headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_key_opens_no_page(gateway):
    assert gateway.client.get("/dashboard/").status_code == 302
    assert gateway.client.get("/admin/").status_code == 302


def test_a_reader_sends_nothing_and_that_is_on_record(program_for, admin, stored, system):
    reader = program_for(admin, "observations:read", name="Mirror")
    answer = reader.post(PATH, heart_rate())
    assert answer.status_code == 403
    assert issues(answer) == [("", "forbidden")]
    assert stored() == []
    with system():
        assert AuditEntry.objects.filter(action="service_account.not_allowed").exists()


def test_a_full_minute_is_said_with_its_end(program_for, admin):
    hasty = program_for(admin, name="Hasty", requests_per_minute=2)
    assert [hasty.post(PATH, heart_rate()).status_code for _ in range(2)] == [201, 200]
    answer = hasty.post(PATH, heart_rate())
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60


# People ---------------------------------------------------------------------------------------


def sent_by(person, client_for, resource, **headers):
    return client_for(person).post(PATH, resource, content_type="application/fhir+json")


def test_a_persons_minute_is_full_for_them_alone(client_for, ana, ada, stored):
    reading = heart_rate(ana.patient.pk)
    for _ in range(allowances.API_REQUESTS - 1):
        assert allowances.api_wait_seconds(ana.user.pk) == 0
    assert sent_by(ana, client_for, reading).status_code == 201
    answer = sent_by(ana, client_for, heart_rate(ana.patient.pk))
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert len(stored()) == 1
    assert client_for(ana).get("/home/").status_code == 200
    assert sent_by(ada, client_for, reading).status_code in (200, 201)
    Allowance.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert sent_by(ana, client_for, heart_rate(ana.patient.pk)).status_code in (200, 201)


@pytest.mark.parametrize(
    ("name", "status"),
    [("ana", 201), ("sam", 201), ("ada", 201), ("noor", 201), ("ben", 422), ("boris", 422),
     ("olga", 422), ("carla", 422), ("admin", 422)],
)  # fmt: skip
def test_people_send_under_their_own_rights(cast, client_for, stored, name, status):
    person = getattr(cast, name)
    answer = sent_by(person, client_for, heart_rate(cast.ana.patient.pk))
    assert answer.status_code == status, answer.content
    for row in stored():
        assert (row.recorded_by_id, row.sent_by_id) == (person.user.pk, None)


def test_a_person_sends_twice_and_it_is_one(client_for, ana, stored):
    resource = heart_rate(ana.patient.pk)
    assert sent_by(ana, client_for, resource).status_code == 201
    assert sent_by(ana, client_for, resource).status_code == 200
    assert len(stored()) == 1


def test_a_persons_numbers_are_nobody_elses(client_for, gateway, ana, ben, stored):
    """Or whoever guesses a laboratory's next number would keep a result from the record."""
    guessed = heart_rate(ben.patient.pk, number="77-9001")
    assert sent_by(ben, client_for, guessed).status_code == 201
    named = sent_by(ben, client_for, guessed).json()["identifier"]
    assert named == guessed["identifier"]
    assert gateway.post(PATH, heart_rate(number="77-9001")).status_code == 201
    mine = heart_rate(ana.patient.pk, number="77-9001", value=80)
    assert sent_by(ana, client_for, mine).status_code == 201
    assert len(stored()) == 3


CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
VITAL = {"category": [{"coding": [{"system": CATEGORIES, "code": "vital-signs"}]}]}


def laboratory(patient, code, **changes):
    quantity = {"value": 7.6, "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    concept = {"coding": [{"system": "http://loinc.org", "code": code}]}
    return heart_rate(patient, code=concept, valueQuantity=quantity, **changes)


@pytest.mark.parametrize("category", [VITAL, {}])
@pytest.mark.parametrize("code", ["2823-3", "6598-7"])
@pytest.mark.parametrize("name", ["ana", "sam"])
def test_what_a_laboratory_measures_comes_from_no_patient(
    cast, client_for, stored, name, code, category
):
    """Neither an alert nor the latest value on one, whatever it is called."""
    resource = laboratory(cast.ana.patient.pk, code, **category)
    answer = sent_by(getattr(cast, name), client_for, resource)
    assert answer.status_code == 422
    assert issues(answer) == [("Observation", "business-rule")]
    assert stored() == []


def test_nor_does_it_come_inside_a_blood_pressure(client_for, ana, stored):
    part = laboratory(ana.patient.pk, "2823-3")
    pressure = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
    resource = heart_rate(
        ana.patient.pk,
        code=pressure,
        component=[{"code": part["code"], "valueQuantity": part["valueQuantity"]}],
    )
    del resource["valueQuantity"]
    assert sent_by(ana, client_for, resource).status_code == 422
    assert stored() == []


def test_a_laboratorys_value_is_one_whatever_a_program_calls_it(gateway, ana, system):
    assert gateway.post(PATH, laboratory(ana.patient.pk, "2823-3", **VITAL)).status_code == 201
    with system():
        assert Result.objects.get(code="2823-3").category == "laboratory"


@pytest.mark.parametrize("number", ["1e999999999", "1e9999999999999999999", "-1e999999999"])
def test_a_number_beyond_all_numbers_is_refused(client_for, ana, stored, number):
    body = json.dumps(heart_rate(ana.patient.pk, value=123456)).replace("123456", number)
    answer = client_for(ana).post(PATH, body, content_type="application/fhir+json")
    assert answer.status_code in (400, 422)
    assert stored() == []


def test_a_page_must_prove_itself(ana, stored):
    from tests.cast import signed_in

    browser = signed_in(ana)
    browser.handler.enforce_csrf_checks = True
    answer = browser.post(PATH, heart_rate(ana.patient.pk), content_type="application/fhir+json")
    assert answer.status_code == 403
    assert issues(answer) == [("", "forbidden")]
    assert stored() == []


# What is told ---------------------------------------------------------------------------------


def test_nothing_clinical_and_no_key_is_logged(gateway, caplog, capfd):
    gateway.post(PATH, heart_rate(value=137))
    gateway.post(PATH, heart_rate(effectiveDateTime="CANARY"))
    gateway.client.get(f"{PATH}?token={gateway.key}")
    told = caplog.text + "".join(capfd.readouterr())
    for secret in ("4471", "137", "CANARY", gateway.key, SYSTEM):
        assert secret not in told
