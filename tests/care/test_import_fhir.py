"""manage.py import_fhir, as a person runs it: counts, refusals, statuses, the sample data."""

import io
import json
import tracemalloc
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Encounter,
    FhirIdentity,
    Goal,
    Medication,
    Procedure,
    Result,
    VitalSign,
)
from portal.models import CareTeamMembership, Patient
from tests.care.conftest import samples
from tests.care.resources import bundle, observation, patient

COUNTED = (VitalSign, Result, Condition, Procedure, Encounter, Medication, CarePlan, Goal)


@pytest.fixture
def import_fhir(cast):
    """Run the command; gives what it said and, when it ended badly, how."""

    def run(*paths, **options):
        said = io.StringIO()
        error = None
        try:
            call_command(
                "import_fhir", *map(str, paths), organization="harbour", stderr=said, **options
            )
        except CommandError as raised:
            error = raised
        return said.getvalue(), error

    return run


@pytest.fixture
def folder(tmp_path):
    """`folder(name=resource)`: a folder with a file for each."""

    def folder(**resources):
        for name, resource in resources.items():
            text = resource if isinstance(resource, str) else json.dumps(resource)
            (tmp_path / f"{name}.json").write_text(text)
        return tmp_path

    return folder


def rows(system):
    with system():
        return {
            model._meta.db_table: model.objects.filter(
                patient__in=Patient.objects.filter(user=None)
            ).count()
            for model in (*COUNTED, CarePlanActivity)
        }


def test_single_resources_arrive_in_any_order(import_fhir, folder, system):
    said, error = import_fhir(folder(a_reading=observation(), b_patient=patient()))
    assert error is None
    assert "2 resources" in said
    with system():
        assert VitalSign.objects.get(patient__mrn="MRN-p1").value == 72


def test_standard_input_is_a_document_too(import_fhir, monkeypatch, system):
    content = json.dumps(bundle(patient(), observation())).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    _, error = import_fhir("-")
    assert error is None
    with system():
        assert VitalSign.objects.filter(patient__mrn="MRN-p1").exists()


def test_a_refusal_names_file_place_and_reason_and_the_status_is_not_nought(
    import_fhir, folder, system
):
    mixed = bundle(patient(), observation("bad", status="perhaps"), observation())
    said, error = import_fhir(folder(mixed=mixed, broken="{", other='{"a": 1}'))
    assert error is not None
    assert error.returncode == 1
    assert "mixed.json[1] Observation/bad: status is not a FHIR code" in said
    assert "broken.json: is not JSON" in said
    assert "other.json: is not FHIR" in said
    with system():
        assert VitalSign.objects.filter(patient__mrn="MRN-p1").count() == 1


def test_a_reading_of_nobody_is_refused_after_everything_was_seen(import_fhir, folder):
    said, error = import_fhir(folder(reading=observation(about="Patient/nobody")))
    assert error is not None
    assert "its patient “Patient/nobody” is neither in this import nor in the clinic" in said


def test_the_newest_day_becomes_the_day_that_was_asked_for(import_fhir, folder, system):
    earlier = observation("o0", effectiveDateTime="2026-02-20T08:00:00-05:00")
    where = folder(all=bundle(patient(), observation(), earlier))
    _, error = import_fhir(where, shift_dates_to=date(2026, 11, 20))
    assert error is None
    with system():
        readings = VitalSign.objects.filter(patient__mrn="MRN-p1").order_by("measured_at")
        days = [f"{reading.measured_at:%Y-%m-%d}" for reading in readings]
    assert days == ["2026-11-11", "2026-11-20"]


@pytest.mark.parametrize(
    ("paths", "options", "sentence"),
    [
        (["/nowhere/at/all"], {}, "does not exist"),
        (["."], {"care_team": ["nobody@harbour.example"]}, "is no provider of Harbour Clinic"),
        (["."], {"organization": "moon"}, "There is no organization “moon”"),
    ],
)
def test_what_cannot_begin_says_why_in_one_sentence(
    cast, tmp_path, monkeypatch, paths, options, sentence
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=sentence):
        call_command("import_fhir", *paths, **{"organization": "harbour", **options})


# The sample data -------------------------------------------------------------------------------


def test_every_synthea_bundle_imports_and_again_changes_nothing(import_fhir, ada, system):
    where = samples("synthea-r4")
    said, error = import_fhir(where, care_team=[ada.user.email])
    assert error is None, said
    counts = rows(system)
    assert counts["vital_signs"] + counts["results"] == 3464
    assert counts["conditions"] == 190
    assert counts["procedures"] == 665
    assert counts["encounters"] == 754
    assert counts["medications"] == 153
    assert (counts["care_plans"], counts["goals"]) == (92, 48)
    with system():
        ours = Patient.objects.filter(user=None)
        assert ours.count() == 26
        assert [each.name for each in ours.exclude(deceased_at=None)] == ["Laticia Dibbert"]
        assert not Result.objects.filter(display__contains="\u200b").exists()
        assert CareTeamMembership.objects.filter(provider=ada.provider).count() == 27
        identities = FhirIdentity.objects.count()

    said, error = import_fhir(where, care_team=[ada.user.email])
    assert error is None
    assert "0 new, 0 changed" in said
    assert rows(system) == counts
    with system():
        assert FhirIdentity.objects.count() == identities


def test_the_us_core_examples_import(import_fhir, system):
    said, error = import_fhir(samples("uscore-examples"))
    assert error is None, said
    counts = rows(system)
    assert counts["results"] == 16
    assert counts["conditions"] == 4
    with system():
        amy = Patient.objects.get(mrn="1032702")
        assert (amy.name, amy.email) == ("Amy V. Baxter", "amy.shaw@example.com")
        potassium = Result.objects.get(patient=amy, code="2823-3")
        assert not potassium.time_is_known
        assert Medication.objects.filter(patient=amy, dosage="10 mL bid").exists()
        assert CareTeamMembership.objects.filter(patient=amy).count() == 2


def test_the_patient_of_2026_imports(import_fhir, system):
    said, error = import_fhir(samples("generated-2026"))
    assert error is None, said
    with system():
        jeff = Patient.objects.get(mrn="4029633")
        # Sent as laboratory results, and vital signs all the same.
        assert VitalSign.objects.filter(patient=jeff, code="8480-6").count() == 50
        # Arterial blood gases are the laboratory's, under the code of a fingertip's saturation.
        assert Result.objects.filter(patient=jeff, code="2708-6").count() == 3
        assert CareTeamMembership.objects.filter(patient=jeff).exists()


def test_memory_does_not_grow_with_the_number_of_files(import_fhir, folder, tmp_path):
    """Forty copies of a bundle, each of another patient, need no more than four."""

    def copies(first, last):
        for number in range(first, last):
            ident = f"p{number}"
            readings = [
                observation(f"{ident}-{each}", about=f"Patient/{ident}") for each in range(50)
            ]
            folder(**{ident: bundle(patient(ident), *readings)})

    def peak():
        tracemalloc.start()
        try:
            _, error = import_fhir(tmp_path)
            assert error is None
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    copies(0, 4)
    few = peak()
    copies(4, 44)
    assert peak() < few * 1.5
