"""The schedule in two browsers: what one of the staff says, the other sees; and it by keys."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Appointment, Status
from tests.browser.people import eventually, is_live, visit_of


@pytest.fixture
def today(server, acting, ada, ana):
    """Ana's visit with Ada, which has just begun; the address of its day."""
    starts_at = timezone.now() - timedelta(minutes=2)
    visit = visit_of(ana, with_whom=ada, starts_at=starts_at, acting=acting)
    on = timezone.localtime(starts_at, ada.organization.zone)
    return visit, f"/schedule/?on={on:%Y-%m-%d}"


def test_an_arrival_and_who_is_on_it_are_on_a_colleagues_page_at_once(visit, today, ada, noor):
    booked, path = today
    clinician, nurse = visit(ada, path), visit(noor, path)
    is_live(clinician), is_live(nurse)
    line = clinician.locator(f"#visit-{booked.pk}")
    expect(line).to_contain_text("Not here yet")

    nurse.get_by_role("button", name=re.compile("Arrived")).click()
    expect(line).to_contain_text("Here since")
    expect(nurse.locator(f"#visit-{booked.pk}")).to_contain_text("Here since")
    # The button is gone; who pressed it stands at its line.
    expect(nurse.locator(f"#open-{booked.pk}")).to_be_focused()

    nurse.get_by_role("link", name="Ana Ruiz").click()
    nurse.get_by_role("button", name="I am on this").click()
    expect(line).to_contain_text("Noor Haddad is on this")


def test_a_visit_is_handled_by_keys_alone(visit, today, acting, ada):
    booked, path = today
    page = visit(ada, path)
    is_live(page)
    page.locator(f"#open-{booked.pk}").focus()
    page.keyboard.press("a")
    line = page.locator(f"#visit-{booked.pk}")
    expect(line).to_contain_text("Here since")
    # The list was drawn anew, and the focus is where it was.
    expect(page.locator(f"#open-{booked.pk}")).to_be_focused()

    page.keyboard.press("l")
    expect(page.get_by_label("How late will it begin?")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The patient is being told.")

    def stands():
        with acting(ada):
            found = Appointment.objects.get(pk=booked.pk)
        return found.status == Status.ARRIVED and found.late_minutes > 0

    eventually(page, stands, "the visit is late")


def test_a_key_in_a_field_is_a_letter(visit, today, acting, ada):
    booked, path = today
    page = visit(ada, path)
    page.get_by_role("searchbox").focus()
    page.keyboard.press("a")
    with acting(ada):
        assert Appointment.objects.get(pk=booked.pk).status == Status.BOOKED


def test_a_line_changes_by_the_clock_alone(visit, server, acting, ada, ana):
    """Nobody does anything: the visit should have begun, and the page says so."""
    starts_at = timezone.now() + timedelta(seconds=10)
    booked = visit_of(ana, with_whom=ada, starts_at=starts_at, acting=acting)
    on = timezone.localtime(starts_at, ada.organization.zone)
    page = visit(ada, f"/schedule/?on={on:%Y-%m-%d}")
    expect(page.locator(f"#visit-{booked.pk}")).to_contain_text("Not here yet")


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_button_stands_beside_what_it_shows(visit, ada, width):
    page = visit(ada, "/schedule/", viewport={"width": width, "height": 640})
    chosen = page.get_by_label("Provider", exact=True).bounding_box()
    button = page.get_by_role("button", name="Show", exact=True).bounding_box()
    assert button["y"] == chosen["y"]
    assert button["x"] + button["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") == width
