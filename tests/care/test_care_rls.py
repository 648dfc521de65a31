"""Row-level security of the record, by raw SQL: who reads, who writes, who deletes."""

import pytest
from django.db import ProgrammingError, connection, transaction

from care.corrections import correction_of
from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Correction,
    Encounter,
    Goal,
    Medication,
    Procedure,
    Result,
    VitalSign,
)
from portal.identifiers import uuid7

TABLES = [
    "vital_signs",
    "results",
    "conditions",
    "procedures",
    "encounters",
    "medications",
    "care_plans",
    "care_plan_activities",
    "goals",
    "measurement_corrections",
]
READERS = {"ana", "sam", "ada", "noor"}
EVERYBODY = READERS | {"ben", "boris", "carla", "olga", "admin", "other_admin"}


@pytest.fixture(autouse=True)
def record(ana, system, record_reading):
    """One row of Ana's in each table."""
    reading = record_reading(ana, "8867-4", 78)
    about = {"organization": ana.organization, "patient": ana.patient, "display": "words"}
    with system():
        Result.objects.create(
            **about, category="laboratory", code="718-7", measured_at="2026-01-01T00:00:00Z"
        )
        for model in (Condition, Procedure, Encounter, Medication, Goal):
            model.objects.create(**about)
        plan = CarePlan.objects.create(**about)
        CarePlanActivity.objects.create(**about, plan=plan, position=0)
        correction_of(reading, {"value": 87}, "Digits changed places").save()


def rows(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.mark.parametrize("table", TABLES)
def test_only_those_around_the_patient_read(cast, acting, table):
    for name in EVERYBODY:
        with acting(getattr(cast, name)):
            (count,) = rows(f"SELECT count(*) FROM {table}")[0]
        assert count == (1 if name in READERS else 0), name


@pytest.mark.parametrize("table", TABLES)
def test_without_a_context_there_is_nothing(db, table):
    assert rows(f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("table", TABLES[1:-1])
def test_patients_and_caregivers_do_not_write_their_own_record(ana, sam, ada, acting, table):
    for person in (ana, sam):
        with acting(person):
            assert rows(f"UPDATE {table} SET display = 'mine'") == 0
    with acting(ada):
        assert rows(f"UPDATE {table} SET display = 'corrected'") == 1


def test_a_patient_does_not_change_a_reading_that_somebody_else_entered(ana, acting):
    with acting(ana):
        assert rows("UPDATE vital_signs SET status = 'entered-in-error'") == 0


def test_nobody_rewrites_what_a_reading_was(ana, ada, acting):
    for person in (ana, ada):
        with acting(person):
            refused = pytest.raises(ProgrammingError, match="permission denied")
            with refused, transaction.atomic():
                rows("UPDATE measurement_corrections SET reason = 'nothing'")


@pytest.mark.parametrize("name", ["boris", "ben", "olga", "admin", "ada"])
def test_a_correction_is_made_in_ones_own_name_for_a_patient_of_ones_own(
    ana, cast, acting, system, name
):
    with system():
        reading = VitalSign.objects.get()
    person = getattr(cast, name)
    # Ada may write for Ana, and not as if she were Noor.
    by_id = cast.noor.user.pk if name == "ada" else person.user.pk
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with acting(person), refused, transaction.atomic():
        correction_of(reading, {}, "No reason", by_id=by_id).save(force_insert=True)
    with system():
        assert Correction.objects.count() == 1


@pytest.mark.parametrize("table", TABLES)
def test_nobody_deletes(ada, acting, table):
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with acting(ada), refused, transaction.atomic():
        rows(f"DELETE FROM {table}")


@pytest.mark.parametrize("name", ["boris", "olga", "admin", "ben"])
def test_a_stranger_cannot_put_a_reading_into_the_record(ana, cast, acting, name):
    stranger = getattr(cast, name)
    with (
        acting(stranger),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        VitalSign.objects.create(
            organization=stranger.organization,
            patient=ana.patient,
            code="8867-4",
            display="x",
            measured_at="2026-01-01T00:00:00Z",
        )


def test_a_row_of_one_clinic_cannot_be_written_from_another(ana, olga, acting):
    with (
        acting(olga),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        rows(
            "INSERT INTO goals (id, organization_id, patient_id, code, code_system, display,"
            " status, achievement, created_at)"
            " VALUES (%s, %s, %s, '', '', 'x', 'active', '', now())",
            uuid7(),
            ana.organization.pk,
            ana.patient.pk,
        )


def test_what_is_published_holds_no_value_and_no_words():
    from realtime.triggers import published

    allowed = {"id", "patient_id", "plan_id", "code", "category", "status", "setting"}
    for table in TABLES:
        assert set(published()[table].columns) <= allowed
