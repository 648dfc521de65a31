"""The alert bar under a finger: a press meant for one alert does not take another."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.alarms import failing_alerts
from tests.browser.people import eventually, is_live

# A finger that was on its way already: it comes down as soon as the button is there.
PRESS_AT_ONCE = """(id) => new MutationObserver((_, watch) => {
  const button = document.getElementById(`bar-acknowledge-${id}`)
  if (!button) return
  watch.disconnect()
  requestAnimationFrame(() => button.click())
}).observe(document.getElementById("alert-bar"), { childList: true, subtree: true })"""
# Notes when the page is told of the alert: by a region's own binding, after the regions.
TOLD = """async () => {
  const { client } = await import("realtime/page")
  const table = "assessment_critical_alerts"
  const binding = { event: "*", schema: "public", table, filter: "" }
  client.watch(binding, client.cursor, () => (window.told = true))
}"""
# Longer than CEILING_MS of realtime/coalescer.js, shorter than ACT_MS of live-region.js.
GATHERED_MS = 2_000


@pytest.fixture
def takes(acting):
    """`takes(ada, alert)`: Ada takes an alert, wherever she is."""
    from alerts.actions import acknowledge

    def takes(person, alert):
        with acting(person):
            acknowledge(alert, by=person.reader)

    return takes


def taken_on(page: Page) -> list[str]:
    """Addresses at which the page takes an alert, from now on."""
    taken: list[str] = []
    page.on("request", lambda request: taken.append(request.url) if is_taking(request) else None)
    return taken


def is_taking(request) -> bool:
    return request.method == "POST" and request.url.endswith("/acknowledgement/")


def button(page: Page, alert):
    return page.locator(f"#bar-acknowledge-{alert}")


def toast(page: Page):
    return page.locator(".toasts .toast__text")


def test_a_press_meant_for_one_alert_does_not_take_the_next(visit, of_alert, takes, ada, noor):
    first, second = of_alert(), of_alert("Lactate")
    page = visit(noor, "/patients/")
    is_live(page)
    expect(button(page, first)).to_be_enabled()
    taken = taken_on(page)
    page.evaluate(PRESS_AT_ONCE, str(second))
    takes(ada, first)
    expect(button(page, second)).to_be_visible()
    # It rests, visibly, and then it is Noor's to press.
    expect(button(page, second)).to_be_enabled()
    assert taken == []
    button(page, second).click()
    expect(page.locator(".alert-bar")).to_have_count(0)
    expect(toast(page)).to_have_text("You have it: Lactate 7 mmol/L, Ana Ruiz.")
    assert len(taken) == 1


def test_the_button_of_what_came_by_itself_rests_and_says_so(visit, of_alert, ada):
    page = visit(ada, "/patients/")
    is_live(page)
    page.evaluate(
        """() => new MutationObserver(() => {
          const button = document.querySelector("[id^=bar-acknowledge]")
          window.rested ??= button?.getAttribute("aria-disabled")
        }).observe(document.getElementById("alert-bar"), { childList: true, subtree: true })"""
    )
    alert = of_alert()
    expect(button(page, alert)).to_be_enabled()
    assert page.evaluate("window.rested") == "true"
    # News of the same alert change nothing under anybody's finger.
    page.evaluate("window.rested = undefined")
    of_alert("Lactate")
    expect(page.locator(".alert-bar")).to_contain_text("and 1 more")
    assert page.evaluate("window.rested ?? null") is None


def test_a_key_meant_for_one_alert_does_not_take_the_next(visit, of_alert, takes, ada, noor):
    first, second = of_alert(), of_alert("Lactate")
    page = visit(noor, "/patients/")
    is_live(page)
    taken = taken_on(page)
    button(page, first).focus()
    takes(ada, first)
    bar = page.locator(f"#bar-{second}")
    expect(bar).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(button(page, second)).to_be_enabled()
    assert taken == []


def test_whoever_takes_one_of_several_stands_before_the_next(visit, of_alert, ada):
    first, second = of_alert(), of_alert("Lactate")
    page = visit(ada, "/patients/")
    is_live(page)
    button(page, first).focus()
    page.keyboard.press("Enter")
    expect(toast(page)).to_have_text("You have it: Potassium 7 mmol/L, Ana Ruiz.")
    expect(page.locator(f"#bar-{second}")).to_be_focused()
    button(page, second).focus()
    expect(button(page, second)).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator(".alert-bar")).to_have_count(0)
    expect(page.locator("main")).to_be_focused()


def test_an_answer_that_news_overtake_is_shown_all_the_same(visit, of_alert, ada):
    alert = of_alert()
    visit.context(ada, visit.url).clock.install()
    page = visit(ada, "/patients/")
    is_live(page)
    page.evaluate(TOLD)
    answers = []
    page.route("**/acknowledgement/", lambda route: answers.append((route, route.fetch())))
    button(page, alert).click()
    eventually(page, lambda: answers, "the alert is taken")
    page.wait_for_function("() => window.told")
    # …and the region has had the time that it gives news to gather.
    page.clock.run_for(GATHERED_MS)
    route, answer = answers[0]
    route.fulfill(response=answer)
    expect(toast(page)).to_have_text("You have it: Potassium 7 mmol/L, Ana Ruiz.")
    expect(page.locator(".alert-bar")).to_have_count(0)


def test_an_answer_that_does_not_come_keeps_no_alert_waiting(visit, of_alert, ada):
    alert = of_alert()
    page = visit(ada, "/patients/")
    is_live(page)
    page.route("**/acknowledgement/", lambda route: None)
    button(page, alert).click()
    of_alert("Lactate")
    expect(page.locator(".alert-bar")).to_contain_text("and 1 more")


def test_who_was_second_is_told_whose_alert_it_was(visit, of_alert, takes, ada, noor):
    alert = of_alert()
    page = visit(noor, "/patients/")
    is_live(page)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('live-region').forEach((each) => each.retire())")
    takes(ada, alert)
    button(page, alert).click()
    expect(toast(page)).to_contain_text("Potassium 7 mmol/L, Ana Ruiz: Ada Lee has it since")


def test_that_alerts_fail_is_said_while_the_page_is_open(visit, of_alert, ada, database_urls):
    page = visit(ada, "/patients/")
    is_live(page)
    failing = page.locator("#alerts-failing")
    expect(failing).to_have_count(0)
    with failing_alerts(database_urls):
        expect(failing).to_contain_text("Alerts may come late or not at all since")
        # Said aloud once, and not again with the alert that comes then.
        spoken = page.locator("alert-announcer [role=alert]")
        expect(spoken).to_have_count(1)
        alert = of_alert()
        expect(button(page, alert)).to_be_visible()
        expect(failing).to_be_visible()
        expect(spoken).to_have_count(2)
    expect(failing).to_have_count(0)
    expect(button(page, alert)).to_be_visible()
