"""The administration: who comes in, what they see, what they may set, and what goes on record."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib import admin as django_admin
from django.utils import timezone

from portal.models import (
    AuditEntry,
    Caregiver,
    CareTeamMembership,
    Invitation,
    Membership,
    Organization,
    Patient,
    Provider,
    User,
)
from tests.house.test_access_matrix import without_row_level_security
from tests.portal.administration import actions_on_record, address

pytestmark = pytest.mark.usefixtures("cast")


def registered():
    return list(django_admin.site._registry)


# Who comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ana", "sam", "ada", "noor"])
def test_for_everybody_else_there_is_no_administration(client_for, cast, name):
    client = client_for(getattr(cast, name))
    missing = client.get("/nowhere/")
    for path in ("/admin/", address(Membership, "changelist"), "/admin/jsi18n/"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.content == missing.content


def test_a_stranger_is_led_to_the_one_front_door(client):
    assert client.get("/admin/").url == "/sign-in/?next=/admin/"
    assert client.get("/admin/login/").url.startswith("/sign-in/")


def test_an_administrator_sees_the_intended_use(office):
    page = office.get("/admin/").content.decode()
    assert "not a primary alarm" in page
    assert "Harbour Clinic" in page


def test_a_link_leads_back_from_every_page(office):
    for page in ("/admin/", address(Patient, "changelist"), address(Membership, "add")):
        assert 'href="/dashboard/">Back to the dashboard</a>' in office.get(page).text


@pytest.mark.parametrize("model", registered(), ids=lambda model: model.__name__)
def test_every_list_opens(office, model):
    assert office.get(address(model, "changelist")).status_code == 200


def test_only_pages_that_know_our_rules_are_there():
    assert {model.__name__ for model in registered()} == {
        "AccessAttempt",
        "AuditEntry",
        "AuditorAlarm",
        "AvailabilityException",
        "CareTeamMembership",
        "Caregiver",
        "Delivery",
        "EscalationPolicy",
        "FhirIdentity",
        "Holiday",
        "Invitation",
        "Membership",
        "Organization",
        "Patient",
        "Provider",
        "Room",
        "Rota",
        "Rule",
        "Rules",
        "ServiceAccount",
        "ShiftOverride",
        "User",
        "VisitType",
    }


# What they see --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "stranger"),
    [
        (Patient, lambda cast: cast.carla.patient),
        (Provider, lambda cast: cast.olga.provider),
        (User, lambda cast: cast.carla.user),
        (Organization, lambda cast: cast.other_clinic),
        (CareTeamMembership, lambda cast: cast.teams[-1]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_of_another_organization_can_be_opened(office, cast, model, stranger):
    row = stranger(cast)
    assert str(row) not in office.get(address(model, "changelist")).content.decode()
    response = office.get(address(model, "change", row.pk))
    assert response.status_code == 302  # Django's admin leads back to the list
    assert str(row) not in office.get(response.url, follow=True).content.decode()


def test_the_application_alone_shows_nothing_of_another_organization(
    committed, cast, client_for, database_urls
):
    """With row-level security off: each wall is tested with the other one down."""
    client = client_for(cast.admin)
    elsewhere = ("Carla Weiss", "Olga Stein", "Otto Kay", "Hill Clinic", "hill.example")
    with without_row_level_security(database_urls):
        for model in registered():
            page = client.get(address(model, "changelist")).content.decode()
            assert not [name for name in elsewhere if name in page], model
        page = client.get(address(Patient, "change", cast.ana.patient.pk)).content.decode()
        assert not [name for name in elsewhere if name in page]
        for row in (cast.carla.patient, cast.olga.provider, cast.carla.user, cast.other_clinic):
            assert client.get(address(type(row), "change", row.pk)).status_code == 302


def test_a_search_among_members_finds_nobody_elsewhere(office):
    page = office.get(address(Membership, "changelist") + "?q=carla").content.decode()
    assert "Carla" not in page


def test_choices_offer_nobody_of_another_organization(office, ana):
    page = office.get(address(Patient, "change", ana.patient.pk)).content.decode()
    assert "Ada Lee" in page
    assert "Olga Stein" not in page
    assert "Carla Weiss" not in page


def test_only_refusals_of_own_members_are_shown(office, ada, olga):
    for who in (ada, olga):
        AccessAttempt.objects.create(
            username=who.user.email, ip_address="203.0.113.9", failures_since_start=6
        )
    page = office.get(address(AccessAttempt, "changelist")).content.decode()
    assert ada.user.email in page
    assert olga.user.email not in page


def test_reading_a_patients_register_entry_is_on_record(office, ana, system):
    office.get(address(Patient, "change", ana.patient.pk))
    with system():
        entry = AuditEntry.objects.get(action="patient.read")
    assert entry.patient_id == ana.patient.pk


# What they may set ----------------------------------------------------------------------------


def test_the_organization_is_set_and_the_change_is_on_record(office, clinic, system):
    office.post(
        address(Organization, "change", clinic.pk),
        {
            "name": "Harbour Clinic",
            "time_zone": "America/Chicago",
            "locale": "en",
            "phone": "555 0199",
            "emergency_phone": "911",
        },
    )
    with system():
        assert Organization.objects.get(pk=clinic.pk).time_zone == "America/Chicago"
        entry = AuditEntry.objects.get(action="organization.changed")
    assert "555" not in str(entry.detail)
    assert "Phone" in entry.detail["fields"]


def test_a_time_zone_that_does_not_exist_is_refused_in_place(office, clinic):
    response = office.post(
        address(Organization, "change", clinic.pk),
        {"name": "x", "time_zone": "Mars/Base", "locale": "en", "emergency_phone": "911"},
    )
    assert response.status_code == 200
    assert "is not a time zone" in response.content.decode()


PATIENT = {
    "name": "Dora Lind",
    "mrn": "5001",
    "birth_on": "1971-05-06",
    "sex": "female",
    "language": "en",
    "phone": "",
    "email": "dora@home.example",
    "care_team-TOTAL_FORMS": "0",
    "care_team-INITIAL_FORMS": "0",
    "caregivers-TOTAL_FORMS": "0",
    "caregivers-INITIAL_FORMS": "0",
}


def test_a_patient_is_added_with_a_care_team(office, ada, system):
    office.post(
        address(Patient, "add"),
        {
            **PATIENT,
            "care_team-TOTAL_FORMS": "1",
            "care_team-0-provider": str(ada.provider.pk),
            "care_team-0-role": "lead",
            "care_team-0-access": "write",
        },
    )
    with system():
        dora = Patient.objects.get(mrn="5001")
        assert dora.organization_id == ada.organization.pk
        assert dora.care_team.get().provider_id == ada.provider.pk
    recorded = actions_on_record(system)
    assert {"patient.added", "careteammembership.added"} <= set(recorded)


def test_a_number_that_is_taken_is_refused_in_place(office):
    response = office.post(address(Patient, "add"), {**PATIENT, "mrn": "4471"})
    assert response.status_code == 200
    assert "already exists" in response.content.decode()


def test_a_place_on_a_team_ends_and_stays_on_record(office, cast, system):
    place = cast.teams[0]
    office.post(
        address(CareTeamMembership, "changelist"),
        {"action": "end_now", "_selected_action": [str(place.pk)]},
    )
    with system():
        assert CareTeamMembership.objects.get(pk=place.pk).ends_at <= timezone.now()
    assert "careteammembership.ended" in actions_on_record(system)


def test_nothing_can_be_deleted(office, cast):
    for row in (cast.ana.patient, cast.ada.provider, cast.teams[0], cast.mandate):
        assert office.post(address(type(row), "delete", row.pk), {"post": "yes"}).status_code in {
            403,
            404,
        }


def test_an_invitation_is_sent_again_or_withdrawn(office, ana, clinic, admin, system):
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(user=None)
        first = Invitation(
            organization=clinic,
            patient=ana.patient,
            email="ana@home.example",
            expires_at=timezone.now() + timedelta(days=1),
        )
        first.make_token()
        first.save()
    office.post(
        address(Invitation, "changelist"),
        {"action": "send_again", "_selected_action": [str(first.pk)]},
    )
    with system():
        assert [made.state for made in Invitation.objects.all()] == ["open", "revoked"]
        newest = Invitation.objects.first()
    office.post(
        address(Invitation, "changelist"),
        {"action": "withdraw", "_selected_action": [str(newest.pk)]},
    )
    with system():
        assert not Invitation.objects.open().exists()


def test_the_audit_log_is_read_and_nothing_else(office, admin, system):
    office.get("/patients/")
    with system():
        entry = AuditEntry.objects.first()
    page = office.get(address(AuditEntry, "change", entry.pk)).content.decode()
    assert "Alma Kay" in page
    assert office.post(address(AuditEntry, "change", entry.pk), {}).status_code in {403, 404}
    assert office.get(address(AuditEntry, "add")).status_code in {403, 404}


def test_a_caregivers_mandate_is_given_here(office, ben, sam, system):
    office.post(
        address(Caregiver, "add"),
        {
            "patient": str(ben.patient.pk),
            "user": str(sam.user.pk),
            "relationship": "Neighbour",
            "scope": "read",
        },
    )
    with system():
        assert Caregiver.objects.active().filter(patient=ben.patient, user=sam.user).exists()


def test_an_administrators_own_mandate_stays_ended(office, ben, admin, system):
    ended = timezone.now() - timedelta(days=1)
    with system():
        mandate = Caregiver.objects.create(
            organization=admin.organization, patient=ben.patient, user=admin.user, ends_at=ended
        )
    answer = office.post(
        address(Caregiver, "change", mandate.pk),
        {"relationship": "", "scope": "write", "ends_at_0": "", "ends_at_1": ""},
    )
    assert "nobody opens a record to themselves" in answer.content.decode()
    with system():
        assert Caregiver.objects.get(pk=mandate.pk).ends_at == ended


def test_the_policy_allows_the_theme_and_no_more(office):
    policy = office.get("/admin/")["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["style-src"] == "'self'"
    assert "'unsafe-inline'" not in directives["script-src"]
    assert directives["default-src"] == "'none'"
    assert "unsafe-eval" not in office.get("/dashboard/")["Content-Security-Policy"]
