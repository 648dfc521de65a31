"""Service accounts: made and ended by an administrator, and what a key opens."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from portal import audit
from portal.actions.service_accounts import renew_key, revoke_service_account
from portal.models import AuditEntry, Patient, ServiceAccount
from portal.service_accounts import Service, count_use, patient_of, service_with
from portal.tenancy import acting_as_service, acting_for

ADD = "/admin/portal/serviceaccount/add/"
LIST = "/admin/portal/serviceaccount/"


def rows(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def form(**changes):
    ends = timezone.now() + timedelta(days=90)
    return {
        "name": "Ward gateway",
        "scopes": ["observations:write"],
        "expires_at_0": f"{ends:%Y-%m-%d}",
        "expires_at_1": "12:00:00",
        "requests_per_minute": "60",
    } | changes


def as_service(account):
    return acting_as_service(account.organization_id, account.pk)


def set_on(account, **columns):
    with acting_for(account.organization_id, system=True):
        ServiceAccount.objects.filter(pk=account.pk).update(**columns)


# Made by an administrator --------------------------------------------------------------------


def test_an_administrator_makes_one_and_sees_its_key_once(client_for, admin, system):
    office = client_for(admin)
    answer = office.post(ADD, form())
    key = answer.context["key"]
    assert key in answer.content.decode()

    with system():
        account = ServiceAccount.objects.get()
        assert account.created_by_id == admin.user.pk
        assert account.key_digest == ServiceAccount.digest_of(key)
        assert key not in str(vars(account))
        assert AuditEntry.objects.filter(
            action="service_account.created", subject_id=account.pk, actor_id=admin.user.pk
        ).exists()
    for page in (LIST, f"{LIST}{account.pk}/change/"):
        # After "vigil" and the prefix; it may have underscores of its own.
        assert key.split("_", 2)[2] not in office.get(page).content.decode()
    assert "messages" not in answer.cookies
    assert answer["Cache-Control"] == "no-store"
    assert service_with(key) == Service(
        account.pk, admin.organization.pk, frozenset({"observations:write"})
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["patients:read"]},
        {"expires_at_0": "2020-01-01"},
        {"expires_at_0": "2099-01-01"},
        {"name": ""},
        {"requests_per_minute": "0"},
    ],
)
def test_one_that_makes_no_sense_is_not_made(client_for, admin, system, changes):
    assert client_for(admin).post(ADD, form(**changes)).status_code == 200
    with system():
        assert not ServiceAccount.objects.exists()


def test_two_of_one_name_would_be_confused(client_for, admin):
    office = client_for(admin)
    office.post(ADD, form())
    assert "already" in office.post(ADD, form()).content.decode()


def test_another_clinics_administrator_does_not_find_it(client_for, gateway, other_admin):
    office = client_for(other_admin)
    assert "Gateway" not in office.get(LIST).content.decode()
    assert office.get(f"{LIST}{gateway.account.pk}/change/").status_code != 200
    office.post(LIST, {"action": "revoke", "_selected_action": [gateway.account.pk]})
    assert service_with(gateway.key)


def test_another_key_ends_the_one_before(client_for, gateway, admin):
    answer = client_for(admin).post(
        LIST, {"action": "renew", "_selected_action": [gateway.account.pk]}
    )
    key = answer.context["key"]
    assert service_with(gateway.key) is None
    assert service_with(key).account_id == gateway.account.pk


def test_revoked_is_for_good(client_for, gateway, admin, acting):
    office = client_for(admin)
    office.post(LIST, {"action": "revoke", "_selected_action": [gateway.account.pk]})
    assert service_with(gateway.key) is None

    answer = office.post(LIST, {"action": "renew", "_selected_action": [gateway.account.pk]})
    assert not (answer.context or {}).get("key")
    with acting(admin):
        assert not revoke_service_account(gateway.account.pk, by=admin.reader)


def test_a_form_that_was_open_meanwhile_does_not_bring_it_back(client_for, gateway, admin, acting):
    office = client_for(admin)
    with acting(admin):
        stale = ServiceAccount.objects.get(pk=gateway.account.pk)
        revoke_service_account(gateway.account.pk, by=admin.reader)
    change = f"{LIST}{stale.pk}/change/"
    office.post(change, form(name="Renamed"))
    assert service_with(gateway.key) is None


def test_a_change_is_on_record(client_for, gateway, admin, system):
    change = f"{LIST}{gateway.account.pk}/change/"
    assert client_for(admin).post(change, form(name="Renamed")).status_code == 302
    with system():
        assert ServiceAccount.objects.get().name == "Renamed"
        entry = AuditEntry.objects.get(action="serviceaccount.changed")
        assert "Name" in entry.detail["fields"]


# What a key opens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mangled",
    [
        lambda key: "",
        lambda key: "vigil",
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.upper(),
        lambda key: key.replace("vigil_", "vigil_0", 1),
        lambda key: f" {key}",
        lambda key: key + "\x00",
        lambda key: "vigil_000000000000_" + "A" * 43,
    ],
)
def test_only_the_whole_key_opens(gateway, mangled):
    assert service_with(mangled(gateway.key)) is None


def test_an_expired_key_opens_nothing(gateway):
    set_on(gateway.account, expires_at=timezone.now() - timedelta(seconds=1))
    assert service_with(gateway.key) is None


def test_a_dead_key_in_use_is_on_record_but_not_a_thousand_times(gateway, system):
    set_on(gateway.account, revoked_at=timezone.now())
    for _ in range(3):
        assert service_with(gateway.key) is None
    with system():
        entry = AuditEntry.objects.get(action="service_account.refused")
        assert entry.subject_id == gateway.account.pk


def test_a_wrong_key_of_a_known_prefix_is_not_on_record(gateway, system):
    service_with(gateway.key[:-1] + "~")
    service_with(gateway.key[:-2] + "AA")
    with system():
        assert not AuditEntry.objects.filter(action="service_account.refused").exists()


def test_the_minute_is_counted(key_for, admin):
    account, key = key_for(admin, requests_per_minute=3)
    service = service_with(key)
    assert [count_use(service) for _ in range(3)] == [0, 0, 0]
    assert 0 < count_use(service) <= 60
    set_on(account, minute_began_at=timezone.now() - timedelta(seconds=61))
    assert count_use(service) == 0


def test_a_use_is_noted(gateway, system):
    before = timezone.now()
    count_use(service_with(gateway.key))
    with system():
        assert ServiceAccount.objects.get().last_used_at >= before


# What the database shows it ------------------------------------------------------------------


def test_it_sees_no_table_of_the_clinic(gateway, cast):
    with as_service(gateway.account):
        for table in ("patients", "users", "memberships", "providers", "care_team_memberships",
                      "caregivers", "audit_logs", "invitations", "service_accounts",
                      "client_portal_messages", "portal_notifications", "conditions"):  # fmt: skip
            assert rows(f"SELECT count(*) FROM {table}") == [(0,)], table
        assert rows("SELECT realtime_granted_topics()") == [([],)]


def test_it_finds_the_patient_it_names_and_no_other(gateway, ana, carla):
    with as_service(gateway.account):
        assert patient_of(by_mrn="4471").pk == ana.patient.pk
        assert patient_of(by_id=ana.patient.pk).mrn == "4471"
        for missing in (
            {"by_mrn": "447"},
            {"by_mrn": "%"},
            {"by_mrn": carla.patient.mrn},
            {"by_id": carla.patient.pk},
            {},
        ):
            with pytest.raises(Patient.DoesNotExist):
                patient_of(**missing)


def test_its_patient_has_no_name(gateway, ana):
    with as_service(gateway.account):
        patient = patient_of(by_id=ana.patient.pk)
        with pytest.raises(Patient.DoesNotExist):
            _ = patient.name


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_its_right_ends_in_the_middle_of_a_transaction(gateway, ana, ended):
    with as_service(gateway.account):
        assert patient_of(by_id=ana.patient.pk)
        set_on(gateway.account, **{ended: timezone.now() - timedelta(seconds=1)})
        with pytest.raises(Patient.DoesNotExist):
            patient_of(by_id=ana.patient.pk)
        assert rows("SELECT portal_service_may('observations:write')") == [(False,)]


def test_an_account_of_another_clinic_is_nobody_here(gateway, other_clinic, carla):
    with acting_as_service(other_clinic.pk, gateway.account.pk):
        assert rows("SELECT portal_service()") == [(None,)]
        with pytest.raises(Patient.DoesNotExist):
            patient_of(by_id=carla.patient.pk)


def test_people_and_the_system_are_no_service(gateway, acting, ana, system):
    for context in (acting(ana), system()):
        with context:
            assert rows("SELECT portal_service()") == [(None,)]
            with pytest.raises(Patient.DoesNotExist):
                patient_of(by_id=ana.patient.pk)


def test_a_context_inside_another_ends_with_it(gateway, ana, acting, system):
    with as_service(gateway.account):
        with system():
            assert rows("SELECT portal_service()") == [(None,)]
        assert rows("SELECT portal_service()") == [(gateway.account.pk,)]
        with acting(ana):
            assert rows("SELECT portal_service()") == [(None,)]
    assert rows("SELECT portal_service()") == [(None,)]


def test_it_writes_the_audit_log_in_its_own_name_only(gateway, ada, system):
    organization_id = gateway.account.organization_id
    with as_service(gateway.account):
        audit.record(
            "observation.read", organization_id=organization_id, actor_id=gateway.account.pk
        )
        for actor_id in (ada.user.pk, None):
            with pytest.raises(ProgrammingError, match="row-level security"):
                with transaction.atomic():
                    audit.record("x", organization_id=organization_id, actor_id=actor_id)
    with system():
        assert AuditEntry.objects.get(action="observation.read").actor_id == gateway.account.pk


def test_it_gives_itself_nothing(gateway):
    with as_service(gateway.account), connection.cursor() as cursor:
        cursor.execute("UPDATE service_accounts SET expires_at = '2099-01-01', scopes = '{}'")
        assert cursor.rowcount == 0


@pytest.mark.parametrize("name", ["ana", "ada", "noor", "sam"])
def test_only_administrators_see_accounts(gateway, cast, acting, name):
    with acting(getattr(cast, name)):
        assert rows("SELECT count(*) FROM service_accounts") == [(0,)]


def test_renewing_needs_an_account_of_ones_own(gateway, other_admin, acting):
    with acting(other_admin), pytest.raises(ServiceAccount.DoesNotExist):
        renew_key(gateway.account.pk, by=other_admin.reader)
