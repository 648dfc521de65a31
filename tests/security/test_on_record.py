"""Whatever shows something of a patient leaves a trace, once for each page that shows it."""

import re

import pytest

from portal.models import AuditEntry

PARTS = ("/dashboard/patients/", "/dashboard/messages/", "/dashboard/today/")
CARDS = ("/home/messages/", "/home/visit/", "/home/readings/", "/home/plan/", "/home/greeting/")


def entries(system, person, *actions) -> int:
    with system():
        return AuditEntry.objects.filter(actor_id=person.user.pk, action__in=actions).count()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_dashboard_opened_alone_is_on_record(client_for, ada, system, part):
    client_for(ada).get(part)

    assert entries(system, ada, "patients.glanced") == 1


@pytest.mark.parametrize("part", PARTS)
def test_a_refresh_of_the_dashboard_is_the_same_reading(client_for, ada, system, part):
    client = client_for(ada)
    page = client.get("/dashboard/").content.decode()
    token = re.search(r'data-page="([^"]+)"', page).group(1)
    client.get(part, HTTP_HX_REQUEST="true", HTTP_X_VIGIL_REFRESH=token)

    assert entries(system, ada, "patients.glanced") == 1


@pytest.mark.parametrize("card", CARDS)
def test_a_card_about_whom_one_cares_for_is_on_record(client_for, sam, system, card):
    client = client_for(sam)
    if client.get(card, HTTP_HX_REQUEST="true").status_code == 404:
        pytest.fail("the card has another address now")

    assert entries(system, sam, "patient.read") == 1
