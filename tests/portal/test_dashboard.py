"""The first page of staff, and what an administrator sees there instead."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.models import CareTeamMembership, Invitation, Patient

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.parametrize("name", ["ada", "noor"])
def test_a_clinician_gets_a_place_for_patients_messages_and_today(client_for, cast, name):
    page = client_for(getattr(cast, name)).get("/dashboard/").content.decode()
    for part in ("/dashboard/patients/", "/dashboard/messages/", "/dashboard/today/"):
        assert f'hx-get="{part}"' in page


def test_a_change_of_their_care_teams_reaches_the_page(client_for, ada):
    page = client_for(ada).get("/dashboard/").content.decode()
    assert f'filter="provider_id=eq.{ada.provider.pk}"' in page


def test_an_administrator_sees_what_they_run(client_for, admin, clinic, ben, system):
    with system():
        CareTeamMembership.objects.filter(patient=ben.patient).update(ends_at=timezone.now())
        dora = Patient.objects.create(
            organization=clinic, mrn="5001", name="Dora Lind", birth_on="1970-01-01"
        )
        invitation = Invitation(
            organization=clinic,
            patient=dora,
            email="d@x.example",
            expires_at=timezone.now() + timedelta(days=1),
        )
        invitation.make_token()
        invitation.save()
    page = client_for(admin).get("/dashboard/").content.decode()
    looked_after = page[page.index("Nobody looks after them") : page.index("Invited, not here yet")]
    assert "Ben Cho" in looked_after
    assert "Ana Ruiz" not in looked_after
    assert "Dora Lind" in page[page.index("Invited, not here yet") :]
    assert "Carla" not in page
    assert 'hx-get="/dashboard/patients/"' not in page


@pytest.mark.parametrize("name", ["ana", "sam"])
def test_patients_have_no_dashboard(client_for, cast, name):
    client = client_for(getattr(cast, name))
    assert client.get("/dashboard/").status_code == 404
    assert client.get("/").url == "/home/"


def test_a_stranger_is_led_to_the_door(client):
    assert client.get("/dashboard/").url == "/sign-in/?next=/dashboard/"
