"""Taking resources in: nothing is doubled, changes arrive, what is wrong is refused by itself."""

from decimal import Decimal

import pytest

from care.fhir.dates import Dates
from care.fhir.intake import Intake, Item
from care.fhir.outcome import Fate
from care.models import CarePlan, CarePlanActivity, FhirIdentity, Result, VitalSign
from portal.models import AuditEntry, CareTeamMembership, Patient, Provider
from tests.care.resources import observation, patient

LOINC = "http://loinc.org"


@pytest.fixture
def take(clinic, cast):
    """`take(resource, …)`: take some resources as one document."""

    def take(*resources, is_last_chance=False, organization=clinic, **options):
        intake = Intake(organization, **options)
        items = [Item(index, resource) for index, resource in enumerate(resources)]
        return intake.take(items, is_last_chance=is_last_chance)

    return take


def reasons(outcome):
    return [refusal.reason for refusal in outcome.refusals]


def test_a_patient_and_a_reading_become_rows(take, system):
    outcome = take(patient(), observation())
    assert outcome.of(Fate.NEW) == 2
    with system():
        lucia = Patient.objects.get(mrn="MRN-p1")
        reading = VitalSign.objects.get(patient=lucia)
    assert lucia.name == "Lucía Vega"
    assert (reading.code, reading.value, reading.unit) == ("8867-4", Decimal(72), "/min")


def test_the_same_again_changes_nothing(take, system):
    take(patient(), observation())
    with system():
        before = list(VitalSign.objects.values()), list(Patient.objects.values())
    again = take(patient(), observation())
    assert again.of(Fate.UNCHANGED) == 2
    with system():
        assert (list(VitalSign.objects.values()), list(Patient.objects.values())) == before


def test_a_corrected_value_changes_its_row(take, system):
    take(patient(), observation())
    corrected = observation(
        status="corrected", valueQuantity={"value": 71, "unit": "/min", "code": "/min"}
    )
    assert take(corrected).of(Fate.CHANGED) == 1
    with system():
        reading = VitalSign.objects.get(patient__mrn="MRN-p1")
    assert (reading.status, reading.value) == ("corrected", Decimal(71))


def test_the_order_of_resources_does_not_matter(take, system):
    assert take(observation(), patient()).of(Fate.NEW) == 2


def test_a_reading_waits_for_its_patient_and_is_refused_at_its_last_chance(take):
    assert take(observation()).deferred == [0]
    outcome = take(observation(), is_last_chance=True)
    assert reasons(outcome) == [
        "its patient “Patient/p1” is neither in this import nor in the clinic"
    ]
    take(patient())
    assert take(observation(), is_last_chance=True).of(Fate.NEW) == 1


def test_a_bad_resource_is_refused_with_its_place_and_the_rest_goes_on(take):
    outcome = take(patient(), observation("bad", valueQuantity={"value": "six"}), observation())
    assert outcome.of(Fate.NEW) == 2
    (refusal,) = outcome.refusals
    assert (refusal.index, refusal.resource) == (1, "Observation/bad")
    assert "valueQuantity.value" in refusal.reason


def test_a_reason_never_quotes_what_was_in_the_record(take):
    outcome = take(
        patient(birthDate="the third of May"),
        observation(valueQuantity={"value": "sky-high"}),
        {"resourceType": "Condition", "id": "c", "secret": "syphilis"},
    )
    text = " ".join(reasons(outcome))
    assert not {"May", "sky-high", "syphilis"} & set(text.replace(";", " ").split())


def test_a_number_that_the_database_could_not_hold_is_refused_alone(take):
    outcome = take(patient(), observation("huge", valueQuantity={"value": 1e30}), observation())
    assert outcome.of(Fate.NEW) == 2
    assert reasons(outcome) == ["a value is too large to be a measurement"]


def test_what_only_the_database_refuses_does_not_take_the_others_with_it(take, system, monkeypatch):
    from care.fhir import observation as reader

    read = reader.read

    def with_a_long_unit(resource, context):
        entry = read(resource, context)
        if resource.id == "long":
            entry.fields["unit"] = "x" * 50
        return entry

    monkeypatch.setitem(
        __import__("care.fhir.intake", fromlist=["READERS"]).READERS,
        "Observation",
        with_a_long_unit,
    )
    outcome = take(patient(), *(observation(f"o{n}") for n in range(9)), observation("long"))
    assert outcome.of(Fate.NEW) == 10
    (refusal,) = outcome.refusals
    assert refusal.resource == "Observation/long"
    assert refusal.reason.startswith("the database refused it")
    with system():
        assert VitalSign.objects.filter(patient__mrn="MRN-p1").count() == 9


def test_types_that_are_not_kept_are_counted_and_not_refused(take):
    outcome = take({"resourceType": "Immunization", "id": "i"}, {"resourceType": "Device"})
    assert outcome.of(Fate.SKIPPED) == 2
    assert outcome.refusals == []


def test_what_is_no_resource_is_refused(take):
    outcome = take("hello", {"name": "nobody"}, {"resourceType": 7})
    assert outcome.of(Fate.REFUSED) == 3


def test_a_status_that_fhir_does_not_know_is_refused(take):
    outcome = take(patient(), observation(status="perhaps"))
    assert reasons(outcome) == ["status is not a FHIR code"]


def test_a_reading_entered_in_error_leaves_the_lists_and_stays_on_record(take, system):
    take(patient(), observation())
    take(observation(status="entered-in-error"))
    with system():
        readings = VitalSign.objects.filter(patient__mrn="MRN-p1")
        assert readings.count() == 1
        assert readings.valid().count() == 0


def test_a_result_that_turns_out_to_be_a_vital_sign_moves_and_leaves_a_mark(take, system):
    rate = {"coding": [{"system": LOINC, "code": "8889-8", "display": "Rate by pulse oximetry"}]}
    laboratory = [{"coding": [{"code": "laboratory"}]}]
    take(patient(), observation(code=rate, category=laboratory))
    take(observation())
    with system():
        assert VitalSign.objects.filter(patient__mrn="MRN-p1").valid().count() == 1
        assert Result.objects.get(patient__mrn="MRN-p1").status == "entered-in-error"


def test_an_identifier_finds_the_patient_whose_id_has_changed(take, system):
    take(patient())
    assert take(patient("p1") | {"id": "moved"}).of(Fate.CHANGED) == 1
    with system():
        assert Patient.objects.filter(mrn="MRN-p1").count() == 1


@pytest.mark.parametrize(
    "stranger",
    [
        patient("p1", birthDate="1981-01-01")
        | {"identifier": [{"system": "urn:elsewhere", "value": "9"}]},
        patient("p1", birthDate="1981-01-01") | {"id": "other"},
    ],
    ids=["the same id elsewhere", "a mistyped number"],
)
def test_one_patient_never_becomes_another(take, system, stranger):
    take(patient())
    (reason,) = reasons(take(stranger))
    assert "another birth date" in reason
    with system():
        assert f"{Patient.objects.get(mrn='MRN-p1').birth_on}" == "1970-05-06"


def test_the_clinics_own_patient_is_found_by_number_and_birth_date(take, ana, system):
    take(
        patient("elsewhere", birthDate="1964-03-02")
        | {"identifier": [{"system": "urn:other", "value": ana.patient.mrn}]}
    )
    with system():
        assert Patient.objects.filter(mrn=ana.patient.mrn).count() == 1


def test_organizations_do_not_share_identities(take, other_clinic, system):
    take(patient())
    assert take(patient(), organization=other_clinic).of(Fate.NEW) == 1
    with system(other_clinic):
        assert Patient.objects.filter(mrn="MRN-p1").count() == 1


def test_who_has_died_is_known_to_have_died(take, system):
    take(patient("a", deceasedDateTime="2024-02-03"), patient("b", deceasedBoolean=True))
    with system():
        assert Patient.objects.living().filter(mrn__startswith="MRN-").count() == 0


def test_providers_of_the_import_join_the_team_once(take, ada, noor, system):
    take(patient(), care_team=[ada.provider, noor.provider])
    take(patient(), care_team=[ada.provider, noor.provider])
    with system():
        assert CareTeamMembership.objects.filter(patient__mrn="MRN-p1").count() == 2


def test_a_place_that_was_ended_does_not_come_back_by_importing_again(take, ada, system):
    from django.utils import timezone

    take(patient(), care_team=[ada.provider])
    with system():
        CareTeamMembership.objects.filter(patient__mrn="MRN-p1").update(ends_at=timezone.now())
    take(patient(gender="other"), care_team=[ada.provider])
    with system():
        assert not CareTeamMembership.objects.active().filter(patient__mrn="MRN-p1").exists()


def team(ident="t1", status="active", start="2026-01-01", **changes):
    return {
        "resourceType": "CareTeam",
        "id": ident,
        "status": status,
        "subject": {"reference": "Patient/p1"},
        "period": {"start": start},
        "participant": [{"member": {"reference": "Practitioner/d1"}}],
        **changes,
    }


def practitioner(ident="d1", family="Lee", **changes):
    return {
        "resourceType": "Practitioner",
        "id": ident,
        "name": [{"family": family, "prefix": ["Dr."]}],
        **changes,
    }


def test_a_care_team_waits_for_its_members(take, system):
    assert take(patient(), team()).deferred == [1]
    take(practitioner(), team())
    with system():
        place = CareTeamMembership.objects.get(patient__mrn="MRN-p1")
        assert place.provider.name == "Dr. Lee"
        assert place.ends_at is None


@pytest.mark.parametrize("is_late", [False, True])
def test_the_team_that_began_last_decides_in_any_order(take, system, is_late):
    teams = [team("old", status="inactive", start="2020-01-01"), team()]
    take(patient(), practitioner(), *(reversed(teams) if is_late else teams))
    with system():
        assert CareTeamMembership.objects.get(patient__mrn="MRN-p1").ends_at is None


def test_a_team_that_ends_ends_the_place(take, system):
    take(patient(), practitioner(), team())
    take(team(status="inactive"))
    with system():
        assert not CareTeamMembership.objects.active().filter(patient__mrn="MRN-p1").exists()


def test_two_people_with_one_national_number_stay_two(take, system):
    number = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1245319599"}]
    take(
        practitioner("d1", "Fielding", identifier=number),
        practitioner("d2", "Nancy", identifier=number),
    )
    with system():
        names = Provider.objects.filter(user=None).values_list("name", flat=True)
        assert sorted(names) == ["Dr. Fielding", "Dr. Nancy"]


def plan(*activities):
    return {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "title": "Knee",
        "subject": {"reference": "Patient/p1"},
        "activity": [
            {"detail": {"status": "in-progress", "code": {"text": words}}} for words in activities
        ],
    }


def test_activities_keep_their_rows_and_one_that_is_gone_was_a_mistake(take, system):
    take(patient(), plan("Walk", "Bend", "Rest"))
    with system():
        before = dict(CarePlanActivity.objects.values_list("position", "pk"))
    take(plan("Walk", "Bend further"))
    with system():
        rows = CarePlanActivity.objects.filter(plan=CarePlan.objects.get(display="Knee"))
        assert dict(rows.values_list("position", "pk")) == before
        assert list(rows.valid().values_list("display", flat=True)) == ["Walk", "Bend further"]


def test_two_versions_in_one_document_are_one_row_with_the_later_value(take, system):
    later = observation(valueQuantity={"value": 90, "code": "/min"})
    take(patient(), observation(), later)
    with system():
        assert VitalSign.objects.get(patient__mrn="MRN-p1").value == 90


def test_every_date_moves_by_the_same_number_of_days(take, clinic, system):
    take(patient(), observation(), dates=Dates(clinic.zone, 100))
    with system():
        lucia = Patient.objects.get(mrn="MRN-p1")
        assert f"{lucia.birth_on}" == "1970-08-14"
        measured = VitalSign.objects.get(patient=lucia).measured_at
        assert measured.isoformat() == "2026-06-09T13:00:00+00:00"


def test_a_resource_without_any_name_is_refused_because_it_would_be_doubled(take):
    nameless = {key: value for key, value in observation().items() if key != "id"}
    (reason,) = reasons(take(patient(), nameless))
    assert "doubled" in reason


def test_the_audit_log_counts_what_was_written_and_says_nothing_clinical(take, system):
    take(patient(), observation())
    with system():
        entry = AuditEntry.objects.get(action="patient.imported")
        assert entry.detail == {"resources": 1}
        assert entry.patient_id == Patient.objects.get(mrn="MRN-p1").pk


def test_identities_are_the_imports_own_and_an_administrator_may_see_them(take, admin, ada, acting):
    take(patient(), observation())
    with acting(ada):
        assert not FhirIdentity.objects.exists()
    with acting(admin):
        assert FhirIdentity.objects.filter(resource_type="Observation").count() == 1


@pytest.mark.parametrize(
    "hostile",
    [
        observation("o\x00"),
        observation("x" * 5000),
        observation(about="Patient/p1\x00"),
        observation(about="urn:uuid:\ud800"),
        observation(about="Patient?identifier=a\x00|b\x00"),
        observation(id=None, identifier=5),
        observation(id={"a": 1}),
        observation(category=[{"coding": [{"code": "vital-signs\x00"}]}]),
        observation(code={"text": "\x00"}),
        observation(code={"text": "\ud83d half of a pair"}),
        observation(interpretation=[{"coding": [{"code": "\x00N"}]}]),
        observation(component=[{"code": {"text": "a\x00b"}, "valueString": "\x00\ud800"}]),
        observation(valueQuantity={"value": 1, "unit": "\x00" * 3}),
        observation(effectiveDateTime="0001-01-01"),
        observation(effectiveDateTime="9999-12-31T23:59:59-12:00"),
        patient(name=[{"text": "\x00"}]),
        patient(name=[{"family": "A" * 10_000}], telecom=[{"system": "phone", "value": "5" * 999}]),
        patient(identifier=[{"system": "s" * 999, "value": "v" * 999}]),
        patient(communication=[{"language": {"coding": [{"code": "x" * 99}]}}]),
        {"resourceType": "Observation" * 100},
        {"resourceType": "Bundle", "entry": [observation()]},
    ],
)
def test_whatever_one_resource_holds_the_others_are_taken(take, hostile):
    outcome = take(patient("p2"), hostile, observation("o2", about="Patient/p2"))
    assert outcome.fates["Patient", Fate.NEW] >= 1
    assert outcome.fates["Observation", Fate.NEW] >= 1
    assert outcome.resources + len(outcome.deferred) == 3
