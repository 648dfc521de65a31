"""A patient's chart: who opens it, who is shown to see it, and what happens when a right ends."""

import re

import pytest
from django.utils import timezone

from portal.models import AuditEntry, Caregiver, CareTeamMembership, Patient

pytestmark = pytest.mark.usefixtures("db")

PANELS = (
    "summary",
    "vitals",
    "messages",
    "plan",
    "medications",
    "conditions",
    "laboratory",
    "encounters",
    "visits",
)


def chart_of(person):
    return f"/patients/{person.patient.pk}/"


def leave_team(person, system):
    with system():
        CareTeamMembership.objects.filter(provider=person.provider).update(ends_at=timezone.now())


def test_name_birth_date_age_and_number_head_the_page(client_for, ada, ana):
    page = client_for(ada).get(chart_of(ana)).content.decode()
    for fact in ("Ana Ruiz", "2 Mar 1964", str(ana.patient.age), "4471", "female"):
        assert fact in page


def test_there_is_a_place_for_each_panel_and_a_link_without_scripts(client_for, ada, ana):
    page = client_for(ada).get(chart_of(ana)).content.decode()
    for panel in PANELS:
        address = f"{chart_of(ana)}panels/{panel}/"
        assert f'hx-get="{address}"' in page
        assert f'href="{address}"' in page


def test_opening_it_is_on_record(client_for, ada, ana, system):
    client_for(ada).get(chart_of(ana))
    with system():
        entry = AuditEntry.objects.get(action="patient.read")
    assert (entry.actor_id, entry.patient_id) == (ada.user.pk, ana.patient.pk)
    assert entry.detail == {"what": "chart"}


@pytest.mark.parametrize("name", ["boris", "olga", "ana", "sam", "ben", "admin"])
@pytest.mark.parametrize("page", ["", "team/"])
def test_for_everybody_else_it_does_not_exist(client_for, cast, ana, name, page):
    client = client_for(getattr(cast, name))
    response = client.get(chart_of(ana) + page)
    assert response.status_code == 404
    assert response.content == client.get("/nowhere/").content


@pytest.mark.parametrize(
    "patient", ["00000000-0000-0000-0000-000000000000", "nonsense", "1", "' OR 1=1 --", "%00"]
)
def test_an_id_that_is_none_gets_the_same_answer(client_for, ada, patient):
    client = client_for(ada)
    response = client.get(f"/patients/{patient}/")
    assert response.status_code == 404
    assert response.content == client.get("/nowhere/").content


def test_who_may_see_it_is_shown(client_for, ada, ana):
    page = client_for(ada).get(chart_of(ana)).content.decode()
    team = page[page.index("Who may see this chart") :]
    for word in ("Ada Lee", "(you)", "Noor Haddad", "Sam Ruiz", "Daughter", "can sign in"):
        assert word in team
    assert "Boris" not in team


def test_who_has_left_is_not(client_for, ada, noor, ana, system):
    leave_team(noor, system)
    with system():
        Caregiver.objects.update(ends_at=timezone.now())
    page = client_for(ada).get(chart_of(ana) + "team/").content.decode()
    assert "Noor" not in page
    assert "Sam" not in page


def test_a_patient_without_a_login_can_be_invited_from_there(client_for, ada, ana, system):
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(user=None)
    page = client_for(ada).get(chart_of(ana)).content.decode()
    assert f"{chart_of(ana)}invitation/" in page


def test_who_has_died_is_said_to_have(client_for, ada, ana, system):
    with system():
        Patient.objects.filter(pk=ana.patient.pk).update(deceased_at=timezone.now())
    page = client_for(ada).get(chart_of(ana)).content.decode()
    assert "This patient has died" in page
    assert f"{chart_of(ana)}invitation/" not in page


def test_the_page_of_somebody_removed_learns_it_and_goes(client_for, ada, ana, system):
    client = client_for(ada)
    page = client.get(chart_of(ana)).content.decode()
    assert "data-withdraw" in page
    assert re.search(r'table="care_team_memberships [^"]*" filter="patient_id=eq', page)
    refresh = {
        "hx-request": "true",
        "x-vigil-refresh": re.search(r'data-page="([^"]+)"', page)[1],
    }
    assert client.get(chart_of(ana) + "team/", headers=refresh).status_code == 200
    leave_team(ada, system)
    assert client.get(chart_of(ana) + "team/", headers=refresh).status_code == 404


def test_a_refresh_is_not_put_on_record_again(client_for, ada, ana, system):
    client = client_for(ada)
    page = client.get(chart_of(ana)).content.decode()
    token = re.search(r'data-page="([^"]+)"', page)[1]
    client.get(chart_of(ana) + "team/", headers={"x-vigil-refresh": token})
    with system():
        assert AuditEntry.objects.filter(action="patient.read").count() == 1
