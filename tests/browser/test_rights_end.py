"""A right ends while a page is open: nothing later arrives, and the page says what happened."""

import json
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications.actions import notify
from notifications.models import Kind
from portal.models import CareTeamMembership, Membership, Role, Session
from tests.browser.people import is_live, stands


@pytest.fixture
def remove_from_team(clinic, acting, admin):
    """An administrator takes somebody off Ana's care team."""

    def remove(person, patient):
        with acting(admin):
            place = CareTeamMembership.objects.get(
                provider=person.provider, patient=patient.patient
            )
            place.ends_at = timezone.now()
            place.save()

    return remove


@pytest.fixture
def tell(system):
    """`tell(noor, clinic)`: something there that is Noor's alone, and that her bell counts."""

    def tell(person, organization):
        with system(organization):
            notify([person.user.pk], Kind.ALARM, patient=None, organization_id=organization.pk)

    return tell


def bell(page):
    return page.locator("#bell-count .badge")


def changes_told_to(context) -> list[str]:
    """The tables of the changes that a browser's pages are told of, as they come by the sockets."""
    tables = []

    def note(text):
        *_, event, payload = json.loads(text)
        if event == "postgres_changes":
            tables.append(payload["data"]["table"])

    def listen(page):
        page.on("websocket", lambda socket: socket.on("framereceived", note))

    context.on("page", listen)
    return tables


@pytest.mark.parametrize("where", ["conversation", "chart"])
def test_off_the_care_team(visit, conversation, remove_from_team, tell, clinic, ana, noor, where):
    visit.expect_trouble("404", "htmx:")
    path = conversation.path if where == "conversation" else f"/patients/{ana.patient.pk}/"
    changes = changes_told_to(visit.context(noor, visit.url))
    nurse = visit(noor, path)
    is_live(nurse)
    expect(nurse.locator("main")).to_contain_text("Ana Ruiz")

    remove_from_team(noor, ana)
    told = re.compile("You can no longer see this|You are no longer on this care team")
    expect(nurse.locator("main")).to_contain_text(told)
    # What the removal itself caused was told before this.
    expect(bell(nurse)).to_have_count(0)
    tell(noor, clinic)
    expect(bell(nurse)).to_have_text("1")
    changes.clear()
    conversation.reply(ana, "Not for Noor.")
    tell(noor, clinic)
    expect(bell(nurse)).to_have_text("2")
    assert changes == ["portal_notifications"]
    content = nurse.content()
    assert "Not for Noor" not in content
    assert "Ana Ruiz" not in nurse.locator("main").inner_text()
    assert "It is swollen" not in content


def test_the_list_forgets_a_patient_who_was_taken_away(
    visit, conversation, remove_from_team, ana, noor
):
    nurse = visit(noor, "/messages/")
    is_live(nurse)
    expect(nurse.locator("main")).to_contain_text("My knee")
    remove_from_team(noor, ana)
    expect(nurse.locator("main")).not_to_contain_text("My knee")


def test_put_on_the_care_team_the_open_list_fills(visit, conversation, acting, admin, ana, boris):
    doctor = visit(boris, "/messages/")
    is_live(doctor)
    expect(doctor.locator("main")).not_to_contain_text("My knee")
    with acting(admin):
        CareTeamMembership.objects.create(
            organization=boris.organization, patient=ana.patient, provider=boris.provider
        )
    expect(doctor.locator("main")).to_contain_text("My knee")
    conversation.reply(ana, "Hello, new doctor.")
    expect(doctor.locator("main")).to_contain_text("Hello, new doctor.")


def test_switching_the_organization_in_another_tab(
    visit, conversation, tell, other_clinic, ana, ada
):
    # The page may ask what became of its session before the other tab has its new cookie.
    visit.expect_trouble("409", "401")
    Membership(organization=other_clinic, user=ada.user, role=Role.CLINICIAN).save(using="owner")
    changes = changes_told_to(visit.context(ada, visit.url))
    here = visit(ada, conversation.path)
    is_live(here)
    there = visit(ada, "/organization/")
    there.get_by_role("button", name="Hill Clinic").click()
    stands(here, "organization")
    expect(here.locator("h1")).to_have_text("You went to another organization")
    is_live(there)
    changes.clear()
    conversation.reply(ana, "Only for Harbour Clinic.")
    # The page that ended has no line by which anything later could come; the other one has.
    tell(ada, other_clinic)
    expect(bell(there)).to_have_text("1")
    assert changes == ["portal_notifications"]
    for page in (here, there):
        assert "Only for Harbour Clinic" not in page.content()
        assert "Ana Ruiz" not in page.content()


def test_signing_out_everywhere_takes_the_other_browsers_page_away(
    visit, conversation, ana, acting
):
    visit.expect_trouble("401")
    page = visit(ana, conversation.path)
    is_live(page)
    with acting(ana):
        Session.objects.filter(user=ana.user).delete()
    stands(page, "signed-out")
    expect(page.locator("h1")).to_have_text("You are signed out")
    expect(page.locator("live-badge")).to_contain_text("Signed out")
    assert "It is swollen" not in page.content()
    page.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(f"{visit.url}/sign-in/?next=%2Fmessages%2F{conversation.pk}%2F")
