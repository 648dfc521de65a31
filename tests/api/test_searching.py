"""Observations out, over REST: of one patient, page after page, and never of anybody else."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from fhir.resources.R4B.bundle import Bundle

from care.models import FhirIdentity, Result, VitalSign
from portal import access
from portal.identifiers import uuid7
from portal.models import AuditEntry
from portal.tenancy import acting_as_service
from tests.api.fhir import PATH, heart_rate, issues

# Before the first year there is, in UTC.
EARLY = base64.b64encode(f"0001-01-01T00:00:00+14:00 {uuid7()}".encode()).decode()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def readings(clinic, ana, ben, system):
    """Six of Ana's, an hour apart, a result among them; one of Ben's."""
    with system():
        for hours in range(5):
            VitalSign.objects.create(
                organization=clinic, patient=ana.patient, category="vital-signs", code="8867-4",
                display="Heart rate", value=70 + hours, unit="/min",
                measured_at=NOON + timedelta(hours=hours),
            )  # fmt: skip
        Result.objects.create(
            organization=clinic, patient=ana.patient, category="laboratory", code="2823-3",
            display="Potassium", value="6.1", unit="mmol/L", measured_at=NOON,
        )  # fmt: skip
        VitalSign.objects.create(
            organization=clinic, patient=ben.patient, category="vital-signs", code="8867-4",
            display="Heart rate", value=99, unit="/min", measured_at=NOON,
        )  # fmt: skip


def values(answer):
    assert answer.status_code == 200, answer.content
    entries = answer.json().get("entry", [])
    return [float(each["resource"]["valueQuantity"]["value"]) for each in entries]


def test_one_patients_newest_first(gateway, readings, ana):
    answer = gateway.get(PATH, patient=ana.patient.pk)
    assert values(answer)[:4] == [74, 73, 72, 71]
    assert sorted(values(answer)[4:]) == [6.1, 70]
    Bundle.model_validate(answer.json())


def test_page_after_page_shows_each_once(gateway, readings, ana):
    address, seen = f"{PATH}?patient={ana.patient.pk}&_count=2", []
    while address:
        answer = gateway.client.get(address)
        seen += [each["resource"]["id"] for each in answer.json()["entry"]]
        links = answer.json().get("link", [])
        address = links[0]["url"] if links else ""
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"code": "8867-4"}, 5),
        ({"code": "http://loinc.org|8867-4"}, 5),
        ({"code": "urn:other|8867-4"}, 0),
        ({"code": "9999-9"}, 0),
        ({"date": "ge2026-11-20T14:00:00Z"}, 3),
        ({"date": "gt2026-11-20T14:00:00Z"}, 2),
        ({"date": "lt2026-11-20T13:00:00Z"}, 2),
        ({"date": "le2026-11-20T13:00:00Z"}, 3),
        ({"date": "2026-11-20T12:00:00Z"}, 2),
        ({"date": "ge2026-11-19T13:01:00-23:59"}, 4),
        ({"date": "2026-11-20"}, 6),
        ({"date": "gt2026-11-20"}, 0),
        ({"date": ["ge2026-11-20T13:00:00Z", "lt2026-11-20T15:00:00Z"]}, 2),
    ],
)
def test_by_code_and_date(gateway, readings, ana, query, count):
    assert len(values(gateway.get(PATH, patient=ana.patient.pk, **query))) == count


def test_a_record_number_stays_out_of_addresses(gateway, readings, ana):
    answer = gateway.client.generic(
        "POST",
        f"{PATH}_search",
        b"patient.identifier=4471&_count=1",
        content_type="application/x-www-form-urlencoded",
    )
    assert values(answer) == [74]
    (link,) = answer.json()["link"]
    assert "4471" not in link["url"]
    assert len(values(gateway.client.get(link["url"]))) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"patient": "4471"}, 400),
        ({"patient": "{ana}", "date": "soon"}, 400),
        ({"patient": "{ana}", "date": "2026-13-45"}, 400),
        ({"patient": "{ana}", "date": "ge0001-01-01T00:00:00+14:00"}, 400),
        ({"patient": "{ana}", "page": "nonsense"}, 400),
        ({"patient": "{ana}", "page": "{early}"}, 400),
        ({"patient": "{ana}", "_count": "0"}, 400),
        ({"patient": "{ana}", "_count": "1000"}, 400),
        ({"patient": "{ana}", "_count": "many"}, 400),
        ({"patient": "{carla}"}, 404),
        ({"patient": "00000000-0000-0000-0000-000000000000"}, 404),
    ],
)
def test_what_makes_no_sense_is_said(gateway, ana, carla, query, status):
    filled = {
        name: value.format(ana=ana.patient.pk, carla=carla.patient.pk, early=EARLY)
        for name, value in query.items()
    }
    answer = gateway.get(PATH, **filled)
    assert answer.status_code == status
    assert issues(answer)


def test_a_search_is_on_record(gateway, readings, ana, system):
    gateway.get(PATH, patient=ana.patient.pk)
    with system():
        entry = AuditEntry.objects.get(action="observations.searched")
    assert (entry.actor_id, entry.patient_id) == (gateway.account.pk, ana.patient.pk)
    assert entry.detail == {"found": 6}


def test_a_sender_reads_what_it_sent_and_no_more(program_for, admin, readings, ana, system):
    writer = program_for(admin, "observations:write", name="Monitor")
    own = writer.post(PATH, heart_rate())
    assert writer.get(own["Location"]).status_code == 200
    with system():
        other = VitalSign.objects.filter(sent_by=None).first()
    missing = writer.get(f"{PATH}{uuid7()}/")
    foreign = writer.get(f"{PATH}{other.pk}/")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert writer.get(PATH, patient=ana.patient.pk).status_code == 403


@pytest.mark.parametrize(
    ("name", "status"),
    [("ana", 200), ("sam", 200), ("ada", 200), ("noor", 200), ("ben", 404), ("boris", 404),
     ("olga", 404), ("carla", 404), ("admin", 404)],
)  # fmt: skip
def test_people_read_under_their_own_rights(cast, client_for, readings, name, status):
    browser = client_for(getattr(cast, name))
    assert browser.get(PATH, {"patient": cast.ana.patient.pk}).status_code == status


def test_a_program_of_another_clinic_finds_nothing(program_for, other_admin, readings, ana, system):
    other = program_for(other_admin)
    with system():
        row = VitalSign.objects.first()
    assert other.get(f"{PATH}{row.pk}/").status_code == 404
    assert other.get(PATH, patient=ana.patient.pk).status_code == 404


# Row-level security alone ---------------------------------------------------------------------


@pytest.fixture
def without_the_first_wall(monkeypatch):
    monkeypatch.setattr(access, "narrow", lambda queryset, *conditions, **filters: queryset)


def test_the_database_alone_keeps_a_sender_to_its_own(
    program_for, admin, readings, system, without_the_first_wall
):
    writer = program_for(admin, "observations:write", name="Monitor")
    own = writer.post(PATH, heart_rate())
    with system():
        other = VitalSign.objects.filter(sent_by=None).first()
    assert writer.get(own["Location"]).status_code == 200
    assert writer.get(f"{PATH}{other.pk}/").status_code == 404


def test_the_database_alone_keeps_clinics_apart(
    program_for, other_admin, readings, system, without_the_first_wall
):
    other = program_for(other_admin)
    with system():
        row = VitalSign.objects.first()
    assert other.get(f"{PATH}{row.pk}/").status_code == 404


def counted(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [(["observations:read"], 6), (["observations:write"], 0)],
)
def test_what_each_scope_sees_in_the_database(key_for, admin, readings, scopes, seen):
    account, _ = key_for(admin, *scopes)
    with acting_as_service(account.organization_id, account.pk):
        assert counted("vital_signs") == seen
        assert counted("results") == (1 if seen else 0)
        assert counted("measurement_corrections") == 0


@pytest.mark.parametrize(
    ("scopes", "sender", "patient"),
    [
        (["observations:read"], "self", "ana"),
        (["observations:write"], "nobody", "ana"),
        (["observations:write"], "other", "ana"),
        (["observations:write"], "self", "carla"),
    ],
)
def test_what_a_scope_may_not_write(key_for, admin, cast, scopes, sender, patient):
    account, _ = key_for(admin, *scopes)
    other, _ = key_for(admin, name="Other")
    row = VitalSign(
        organization_id=account.organization_id,
        patient_id=getattr(cast, patient).patient.pk,
        category="vital-signs", code="8867-4", display="Heart rate", value=70, unit="/min",
        measured_at=NOON,
        sent_by_id={"self": account.pk, "other": other.pk, "nobody": None}[sender],
    )  # fmt: skip
    with acting_as_service(account.organization_id, account.pk):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            row.save(force_insert=True)


def test_nobody_says_of_their_own_reading_that_a_program_sent_it(gateway, ana, acting):
    row = VitalSign(
        organization_id=ana.organization.pk, patient=ana.patient, recorded_by=ana.user,
        category="vital-signs", code="8867-4", display="Heart rate", value=70, unit="/min",
        measured_at=NOON, sent_by=gateway.account,
    )  # fmt: skip
    with acting(ana), pytest.raises(ProgrammingError, match="row-level security"):
        with transaction.atomic():
            row.save(force_insert=True)


def test_a_sender_does_not_move_a_name_to_anothers_row(program_for, admin, gateway, system):
    gateway.post(PATH, heart_rate(number="theirs"))
    writer = program_for(admin, "observations:write", name="Monitor")
    writer.post(PATH, heart_rate(number="own"))
    with system():
        theirs = FhirIdentity.objects.get(value="theirs")
        own = FhirIdentity.objects.get(value="own")
    account = writer.account
    with acting_as_service(account.organization_id, account.pk):
        assert list(FhirIdentity.objects.values_list("value", flat=True)) == ["own"]
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            FhirIdentity.objects.filter(pk=own.pk).update(row_id=theirs.row_id)
        assert not FhirIdentity.objects.filter(pk=theirs.pk).update(row_id=own.row_id)
