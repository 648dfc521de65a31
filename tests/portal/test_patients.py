"""The list of patients: whom it shows, how it is searched, what is kept out of addresses."""

import pytest

from portal.models import AuditEntry, CareTeamMembership, Patient
from portal.views import register

pytestmark = pytest.mark.usefixtures("db")


def names(response):
    return [patient.name for patient in response.context["patients"]]


def test_a_clinician_finds_the_patients_of_their_care_teams(client_for, ada, noor, boris):
    assert names(client_for(ada).get("/patients/")) == ["Ana Ruiz"]
    assert names(client_for(noor).get("/patients/")) == ["Ana Ruiz"]
    assert names(client_for(boris).get("/patients/")) == ["Ben Cho"]


def test_an_administrator_keeps_the_whole_register_of_one_clinic(client_for, admin):
    assert names(client_for(admin).get("/patients/")) == ["Ana Ruiz", "Ben Cho"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ruiz", ["Ana Ruiz"]),
        ("RUIZ ana", ["Ana Ruiz"]),
        ("4472", ["Ben Cho"]),
        ("447", ["Ana Ruiz", "Ben Cho"]),
        ("  ", ["Ana Ruiz", "Ben Cho"]),
        ("carla", []),
        ("%", []),
        ("_", []),
        ("\x00", ["Ana Ruiz", "Ben Cho"]),
        ("'; DROP TABLE patients; --", []),
        ("x" * 10_000, []),
    ],
)
def test_a_search_finds_names_and_numbers(client_for, admin, query, found):
    assert names(client_for(admin).post("/patients/", {"q": query})) == found


def test_a_search_finds_nobody_outside_the_care_teams(client_for, ada):
    assert names(client_for(ada).post("/patients/", {"q": "Ben"})) == []


def test_a_name_does_not_travel_in_an_address(client_for, ada):
    client = client_for(ada)
    assert names(client.get("/patients/?q=nobody")) == ["Ana Ruiz"]
    page = client.get("/dashboard/").content.decode()
    form = page[page.index('role="search"') :]
    assert 'method="post"' in form[: form.index(">")]


def test_what_was_searched_for_is_not_put_on_record(client_for, ada, system):
    client_for(ada).post("/patients/", {"q": "Ruiz"})
    with system():
        entry = AuditEntry.objects.get(action="patients.listed")
    assert entry.detail == {"patients": 1}


def test_long_lists_come_page_by_page(client_for, admin, clinic, system, monkeypatch):
    monkeypatch.setattr(register, "PER_PAGE", 2)
    with system():
        for number in range(5):
            Patient.objects.create(
                organization=clinic, mrn=f"60{number}", name=f"Zoe {number}", birth_on="1990-01-01"
            )
    client = client_for(admin)
    assert names(client.get("/patients/?page=2")) == ["Zoe 0", "Zoe 1"]
    assert names(client.post("/patients/", {"q": "zoe", "page": "3"})) == ["Zoe 4"]
    for nonsense in ("x", "-1", "999999999999999999999", ""):
        assert client.get(f"/patients/?page={nonsense}").status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_list(
    client_for, admin, clinic, system, django_assert_max_num_queries
):
    with system():
        for number in range(25):
            Patient.objects.create(
                organization=clinic, mrn=f"60{number}", name=f"Zoe {number}", birth_on="1990-01-01"
            )
    client = client_for(admin)
    with django_assert_max_num_queries(16):
        client.get("/patients/")


def test_who_is_on_no_care_team_is_told_what_to_do(client_for, ada, system):
    with system():
        CareTeamMembership.objects.filter(provider=ada.provider).delete()
    assert "You are on no care team" in client_for(ada).get("/patients/").content.decode()


@pytest.mark.parametrize("name", ["ana", "sam"])
def test_patients_have_no_list_of_patients(client_for, cast, name):
    assert client_for(getattr(cast, name)).get("/patients/").status_code == 404
