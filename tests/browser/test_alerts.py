"""Two clinicians, one alert: what one does with it, the other's pages show."""

import re
import threading

from django.db import connections
from playwright.sync_api import Page, expect

from tests.browser.people import is_live


def bar(page: Page):
    return page.locator(".alert-bar")


def test_acknowledged_on_one_screen_it_is_gone_from_every_other(visit, of_alert, ada, noor):
    alert = of_alert()
    acknowledging = visit(ada, f"/alerts/{alert}/")
    elsewhere, worklist = (visit(noor, path) for path in ("/patients/", "/alerts/"))
    for page in (acknowledging, elsewhere, worklist):
        is_live(page)
        expect(bar(page)).to_contain_text("Potassium 7 mmol/L")
    acknowledging.get_by_role("button", name="Acknowledge: On my way").click()
    expect(acknowledging.locator("#alert-item")).to_contain_text("Who has it")
    for page in (elsewhere, worklist, acknowledging):
        expect(bar(page)).to_have_count(0)
    expect(worklist.locator(f"#row-{alert}")).to_contain_text("Ada Lee")


def without_refreshes(route):
    """What a page asks for by itself does not arrive; what its reader does, does."""
    if "x-vigil-refresh" in route.request.headers:
        route.abort()
    else:
        route.continue_()


def test_of_two_at_once_one_has_it_and_the_other_is_told_who(visit, of_alert, acting, ada, noor):
    """Noor's page is a moment behind: she presses what Ada has just taken."""
    from alerts.actions import acknowledge

    alert = of_alert()
    page = visit(noor, f"/alerts/{alert}/")
    is_live(page)
    # The news does not reach her page.
    visit.expect_trouble("Failed to load resource", "htmx:")
    page.route("**/*", without_refreshes)
    page.evaluate("document.querySelectorAll('live-region').forEach((each) => each.retire())")
    expect(page.locator(".htmx-request")).to_have_count(0)

    def take() -> None:
        try:
            with acting(ada):
                acknowledge(alert, by=ada.reader, note="On my way")
        finally:
            connections.close_all()

    quicker = threading.Thread(target=take)
    quicker.start()
    quicker.join()
    page.locator("#acknowledge").click()
    expect(page.locator(".toasts")).to_contain_text(
        re.compile(r"Ada Lee has it since \d\d:\d\d: On my way\.")
    )
    expect(page.locator("#acknowledge")).to_have_count(0)


def test_an_alert_is_said_aloud_once_and_paused_pages_show_it_all_the_same(visit, of_alert, ada):
    first = of_alert()
    page = visit(ada, "/alerts/")
    is_live(page)
    said = page.locator("alert-announcer [role=alert]")
    expect(said).to_have_count(1)
    expect(said).to_contain_text("CRITICAL: Potassium 7 mmol/L (limit 6)")
    page.get_by_role("button", name="Pause updates").click()
    second = of_alert("Lactate")
    expect(page.locator(f"#row-{second}")).to_be_visible()
    expect(page.locator(f"#row-{first}")).to_be_visible()
    expect(said).to_have_count(2)
    # The next page of the same tab has nothing new to say.
    page.goto(page.url.replace("/alerts/", "/patients/"))
    is_live(page)
    expect(bar(page)).to_be_visible()
    expect(said).to_have_count(0)
    expect(bar(page)).to_contain_text("and 1 more")
