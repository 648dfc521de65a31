"""What is fetched anew leaves the focus where it was or where one goes on; what is said is said in
a place that stood before (WCAG 2.4.3, 4.1.3)."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.people import eventually, is_live, visit_of

# What a screen reader listens to: statuses that stand already.
STANDS = "document.querySelectorAll('[role=status]').forEach((each) => (each.dataset.stood = ''))"


def stood(page: Page, words: str):
    return page.locator("[role=status][data-stood]", has_text=words)


def test_after_acknowledging_one_stands_at_what_the_alert_is(visit, of_alert, ada):
    alert = of_alert()
    page = visit(ada, f"/alerts/{alert}/")
    is_live(page)
    page.evaluate(STANDS)
    page.locator("#acknowledge").focus()
    page.keyboard.press("Enter")
    expect(stood(page, "You have it: Potassium 7 mmol/L, Ana Ruiz.")).to_have_count(1)
    expect(page.locator("#alert-what")).to_be_focused()
    page.get_by_label("What was done?").fill("Calcium given")
    page.get_by_role("button", name="Put it on record").press("Enter")
    expect(stood(page, "It is on the record.")).to_have_count(1)
    # What is still there keeps the focus.
    expect(page.get_by_role("button", name="Put it on record")).to_be_focused()


def test_what_waits_to_be_shown_is_said_where_it_is_heard_and_once(visit, of_alert, ada):
    of_alert("Phosphate")
    page = visit(ada, "/alerts/")
    is_live(page)
    page.evaluate(STANDS)
    of_alert("Urea")
    said = stood(page, "1 new alert not shown yet")
    expect(said).to_have_count(1)
    said.evaluate(
        "(line) => new MutationObserver(() => { line.dataset.again = '' })"
        ".observe(line, { childList: true, characterData: true, subtree: true })"
    )
    # A refresh that has nothing new to say says nothing.
    page.evaluate("document.getElementById('worklist').dispatchEvent(new Event('news'))")
    with page.expect_response("**/alerts/?since=**"):
        page.evaluate("document.getElementById('worklist').dispatchEvent(new Event('news'))")
    expect(page.locator("#worklist-new")).to_be_visible()
    assert said.get_attribute("data-again") is None
    page.locator("#worklist-new").click()
    expect(page.locator("#worklist-new")).to_have_count(0)
    expect(said).to_have_count(0)


def test_a_refresh_leaves_the_focus_on_a_link(visit, of_alert, ada, ana):
    first = of_alert()
    page = visit(ada, f"/patients/{ana.patient.pk}/")
    is_live(page)
    link = page.locator(f"#patient-alerts a[href$='{first}/']")
    link.focus()
    of_alert("Lactate")
    expect(page.locator("#patient-alerts a")).to_have_count(2)
    expect(link).to_be_focused()


def test_what_had_the_focus_and_is_gone_hands_it_on(visit, of_alert, acting, ada, noor):
    from alerts.actions import acknowledge

    alert = of_alert()
    page = visit(noor, f"/alerts/{alert}/")
    is_live(page)
    page.locator("#acknowledge").focus()
    with acting(ada):
        acknowledge(alert, by=ada.reader)
    expect(page.locator("#alert-item .facts")).to_contain_text("Ada Lee, since")
    expect(page.locator("#alert-what")).to_be_focused()


def test_what_gets_the_focus_is_not_under_a_toast(visit, server, acting, ada, ana):
    starts_at = timezone.now() + timedelta(days=3)
    booked = visit_of(ana, with_whom=ada, starts_at=starts_at, acting=acting)
    page = visit(ada, f"/schedule/visits/{booked.pk}/", viewport={"width": 390, "height": 640})
    is_live(page)
    page.get_by_role("button", name="I am on this").press("Enter")
    expect(page.get_by_role("button", name="Let it go")).to_be_focused()
    page.locator(".toast").hover()  # which keeps it there
    page.keyboard.press("Tab")
    expect(page.locator("summary", has_text="Running late")).to_be_focused()

    def is_above():
        focused, toast = (page.locator(at).bounding_box() for at in (":focus", ".toast"))
        return focused["y"] + focused["height"] <= toast["y"]

    eventually(page, is_above, "it is scrolled above the toast")
