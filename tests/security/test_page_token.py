"""A page's token: what it shows to whoever sees it, and what it lets pass unrecorded."""

import base64
import re

import pytest

from portal.models import AuditEntry

REFRESH = "HTTP_X_VIGIL_REFRESH"


def token_of(answer) -> str:
    return re.search(r'data-page="([^"]+)"', answer.content.decode()).group(1)


def readings(system, person, patient) -> int:
    with system():
        return AuditEntry.objects.filter(
            action="patient.read", actor_id=person.user.pk, patient_id=patient.patient.pk
        ).count()


def test_the_token_does_not_hold_the_key_of_the_session(client_for, ada):
    # Signed is not sealed: whoever sees the page's source, or a copy of it, would be signed in.
    client = client_for(ada)
    content = token_of(client.get("/dashboard/")).partition(":")[0].lstrip(".")
    opened = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))

    assert client.session.session_key.encode() not in opened


@pytest.mark.parametrize(
    "address", ["/account/", "/messages/", "/patients/", "/patients/{patient}/invitation/"]
)
def test_no_page_excuses_the_first_reading_of_a_chart(client_for, ada, ana, system, address):
    client = client_for(ada)
    token = token_of(client.get(address.format(patient=ana.patient.pk)))
    client.get(f"/patients/{ana.patient.pk}/panels/vitals/", **{REFRESH: token})

    assert readings(system, ada, ana) >= 1


def test_a_home_is_on_record_before_its_cards_are_refreshed(client_for, sam, ana, system):
    client = client_for(sam)
    token = token_of(client.get("/home/"))
    before = readings(system, sam, ana)
    client.get("/home/readings/", HTTP_HX_REQUEST="true", **{REFRESH: token})

    assert (before, readings(system, sam, ana)) == (1, 1)


def test_a_search_is_on_record_whatever_page_is_refreshed(client_for, ada, system):
    client = client_for(ada)
    token = token_of(client.get("/account/"))
    client.post("/patients/", {"q": "Ana"}, **{REFRESH: token})

    with system():
        assert AuditEntry.objects.filter(action="patients.listed", actor_id=ada.user.pk).exists()


def test_the_token_of_another_session_excuses_nothing(client_for, ada, noor, ana, system):
    token = token_of(client_for(ada).get(f"/patients/{ana.patient.pk}/"))
    client_for(noor).get(f"/patients/{ana.patient.pk}/panels/vitals/", **{REFRESH: token})

    assert readings(system, noor, ana) == 1
