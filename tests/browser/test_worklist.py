"""The worklist as one works with it: its sound, keys and countdowns, and rows that stay put."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.people import eventually, is_live

# The browser's part of a sound: whether it lets a page be heard, and which pulses it is given.
LISTENING = """
window.heard = []
window.cutOff = 0
window.lets = sessionStorage.getItem("test.refuses") === null
window.AudioContext = class extends AudioContext {
  get state() { return window.lets ? "running" : "suspended" }
  resume() { return window.lets ? Promise.resolve() : new Promise(() => {}) }
}
window.OscillatorNode = class extends OscillatorNode {
  start(at) { super.start(at); window.heard.push(this.frequency.value) }
  stop(at) { super.stop(at); if (at === undefined) window.cutOff += 1 }
}
"""
CRITICAL, URGENT = [880] * 10, [660] * 3
ANY_TIME_LEFT = re.compile(r"^\d\d:\d\d$")


@pytest.fixture
def listen(visit, ada):
    """`listen(path)`: a page of Ada's, in a browser that notes what it is to play."""
    # Without a loudspeaker and a hand on the mouse, the browser has its own opinion of a sound.
    visit.expect_trouble("AudioContext")
    visit.context(ada, visit.url).add_init_script(LISTENING)

    def listen(path: str = "/alerts/") -> Page:
        page = visit(ada, path)
        is_live(page)
        return page

    return listen


def heard(page: Page) -> list[int]:
    """The pulses that the page gave to the browser, in hertz."""
    return page.evaluate("window.heard")


def hears(page: Page, pulses: list[int]) -> None:
    """Wait until the page has played these pulses, and no others."""
    eventually(page, lambda: len(heard(page)) >= len(pulses), f"pulses, not {heard(page)}")
    assert heard(page) == pulses


def sound(page: Page):
    return page.get_by_role("button", name=re.compile("^Sound o"))


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")


def test_it_sounds_from_a_click_on_and_until_somebody_has_the_alert(
    listen, of_alert, acting, ada, noor
):
    from alerts.actions import acknowledge

    alert = of_alert()
    page = listen()
    expect(sound(page)).to_have_text("Sound off")
    assert heard(page) == []
    sound(page).click()
    expect(sound(page)).to_have_text("Sound on")
    hears(page, CRITICAL)
    sounding = page.locator("alert-sound")
    expect(sounding).to_contain_text("Sounding: a critical alert waits.")
    with acting(noor):
        acknowledge(alert, by=noor.reader, note="On my way")
    expect(sounding).to_be_hidden()
    assert page.evaluate("window.cutOff") == len(CRITICAL)
    of_alert("Urea")
    hears(page, CRITICAL + URGENT)
    expect(sounding).to_be_hidden()


def test_the_sound_can_be_tried_and_stopped(listen, of_alert):
    page = listen()
    page.get_by_role("button", name="Test sound").click()
    hears(page, CRITICAL)
    expect(sound(page)).to_have_attribute("aria-pressed", "false")
    sound(page).click()
    of_alert()
    hears(page, CRITICAL * 2)
    page.get_by_role("button", name="Stop the sound").click()
    expect(page.locator("alert-sound")).to_be_hidden()
    assert page.evaluate("window.cutOff") >= len(CRITICAL)
    # Silenced is this alert, not the next.
    of_alert("Lactate")
    hears(page, CRITICAL * 3)


def test_a_sound_that_was_stopped_comes_back_while_nobody_has_the_alert(
    listen, of_alert, visit, ada
):
    of_alert()
    visit.context(ada, visit.url).clock.install()
    page = listen()
    # The minutes that pass at once cost the page its connection, which is another alarm.
    page.evaluate("document.body.dataset.staleSoundMs = '3600000'")
    sound(page).click()
    hears(page, CRITICAL)
    page.get_by_role("button", name="Stop the sound").click()
    sounding = page.locator("alert-sound")
    expect(sounding).to_be_hidden()
    page.clock.fast_forward("01:00")
    assert heard(page) == CRITICAL
    page.clock.fast_forward("01:01")
    hears(page, CRITICAL * 2)
    expect(sounding).to_contain_text("Sounding: a critical alert waits.")


def test_the_next_step_of_an_escalation_is_heard_by_who_stopped_the_sound(
    listen, of_alert, system, clinic
):
    from alerts import steps
    from alerts.models import AlertStep

    alert = of_alert()
    page = listen()
    sound(page).click()
    hears(page, CRITICAL)
    page.get_by_role("button", name="Stop the sound").click()
    expect(page.locator("alert-sound")).to_be_hidden()
    with system():
        waiting = AlertStep.objects.filter(alert=alert, done_at=None, cancelled_at=None)
        waiting.update(due_at=timezone.now())
    steps.take_due(clinic.pk)
    hears(page, CRITICAL * 2)


def test_what_one_nurse_stopped_and_paused_is_not_the_next_one_s(listen, of_alert, visit, noor):
    from tests.cast import signed_in

    of_alert()
    page = listen()
    said = page.locator("alert-announcer [role=alert]")
    expect(said).to_have_count(1)
    sound(page).click()
    hears(page, CRITICAL)
    page.get_by_role("button", name="Stop the sound").click()
    page.get_by_role("button", name="Pause updates").click()
    expect(page.get_by_role("button", name="Updates paused")).to_be_visible()
    # Ada is signed out by idling; Noor signs in, in the same tab.
    noors = [
        {"name": each.key, "value": each.value, "url": visit.url, "httpOnly": True}
        for each in signed_in(noor).cookies.values()
    ]
    page.context.add_cookies(noors)
    page.goto(f"{visit.url}/alerts/")
    is_live(page)
    hears(page, CRITICAL)
    expect(said).to_have_count(1)
    expect(page.get_by_role("button", name="Pause updates")).to_be_visible()


def test_a_browser_that_lets_nothing_be_heard_is_named(listen, of_alert):
    of_alert()
    page = listen()
    page.evaluate("window.lets = false")
    sound(page).click()
    expect(page.locator("sound-switch")).to_contain_text("Sound is blocked by your browser.")
    sounding = page.locator("alert-sound")
    expect(sounding).to_contain_text("Sound is blocked by your browser.")
    # Whatever else changes on the page meanwhile: it may not say that it sounds.
    page.evaluate("document.dispatchEvent(new Event('htmx:afterSettle'))")
    expect(sounding).to_contain_text("Sound is blocked by your browser.")
    assert heard(page) == []
    page.evaluate("window.lets = true")
    page.get_by_role("button", name="Allow the sound").click()
    hears(page, CRITICAL)
    expect(sounding).to_contain_text("Sounding: a critical alert waits.")


def test_an_urgent_alert_that_could_not_be_heard_is_heard_once_the_browser_lets_it(
    listen, of_alert
):
    page = listen()
    sound(page).click()
    expect(sound(page)).to_have_text("Sound on")
    page.evaluate("window.lets = false")
    of_alert("Urea")
    sounding = page.locator("alert-sound")
    expect(sounding).to_contain_text("Sound is blocked by your browser.")
    assert heard(page) == []
    page.evaluate("window.lets = true")
    page.get_by_role("button", name="Allow the sound").click()
    hears(page, URGENT)
    expect(sounding).to_be_hidden()


def test_a_bar_that_cannot_be_fetched_is_heard_and_the_sound_is_not_simply_on(listen, visit):
    visit.expect_trouble("/alerts/bar/", "Failed to load resource", "htmx:")
    page = listen()
    sound(page).click()
    expect(sound(page)).to_have_text("Sound on")
    page.evaluate("document.body.dataset.staleSoundMs = '100'")
    page.route("**/alerts/bar/", lambda route: route.fulfill(status=500))
    page.evaluate("document.getElementById('alert-bar').dispatchEvent(new Event('news'))")
    expect(sound(page)).to_have_text("Sound on, but alerts are late")
    hears(page, CRITICAL)
    sounding = page.locator("alert-sound")
    expect(sounding).to_contain_text("Sounding: alerts could not be brought up to date.")
    page.unroute("**/alerts/bar/")
    expect(sounding).to_be_hidden()
    expect(sound(page)).to_have_text("Sound on")
    assert page.evaluate("window.cutOff") == len(CRITICAL)


def test_of_all_tabs_one_sounds_and_the_next_when_that_is_closed(listen, of_alert):
    first, second = listen(), listen("/patients/")
    sound(first).click()
    expect(second.locator("body")).to_have_attribute("data-keeps-line", "")
    of_alert()
    expect(second.locator(".alert-bar")).to_be_visible()
    hears(first, CRITICAL)
    assert heard(second) == []
    first.close()
    hears(second, CRITICAL)


def test_keys_move_open_and_claim(visit, of_alert, ada):
    of_alert()
    lactate = of_alert("Lactate")
    page = visit(ada, "/alerts/")
    rows = page.locator("a.worklist__row")
    rows.first.focus()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(str(lactate)))
    expect(page.locator(f"#row-{lactate}")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#alert-item .facts")).to_contain_text("You, since")


def test_whoever_reads_an_alert_sees_at_once_who_took_it_and_keeps_the_line_begun(
    visit, of_alert, acting, ada, noor
):
    from alerts.actions import acknowledge

    alert = of_alert()
    page = visit(noor, f"/alerts/{alert}/")
    is_live(page)
    page.locator("summary", has_text="Hand on").click()
    begun = page.get_by_label("What should they know?")
    begun.fill("I am in theatre")
    with acting(ada):
        acknowledge(alert, by=ada.reader, note="On my way")
    expect(page.locator("#alert-item .facts")).to_contain_text(
        re.compile(r"Ada Lee, since \d\d:\d\d: “On my way”")
    )
    expect(begun).to_have_value("I am in theatre")
    expect(begun).to_be_focused()


def test_keys_are_for_the_list_unless_switched_on_and_never_for_what_is_typed(visit, of_alert, ada):
    of_alert()
    page = visit(ada, "/alerts/")
    is_live(page)
    first = page.locator("a.worklist__row").first
    page.keyboard.press("j")
    expect(first).not_to_be_focused()
    first.focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys of the worklist")
    expect(keys).to_contain_text("Next alert")
    page.get_by_label("Use them anywhere on this page").check()
    keys.get_by_role("button", name="Close").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Find a patient")
    expect(search).to_be_focused()
    page.keyboard.press("j")
    expect(search).to_have_value("j")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    expect(first).to_be_focused()


def test_the_next_step_is_counted_down_to_and_said_to_be_due(visit, of_alert, ada, system):
    from alerts.models import AlertStep

    alert = of_alert()
    page = visit(ada, "/alerts/")
    # A page that is not live yet may still read its rows again.
    is_live(page)
    left = page.locator(f"#row-{alert} count-down")
    expect(left).to_have_text(ANY_TIME_LEFT)
    before = left.inner_text()
    expect(left).not_to_have_text(before)

    def is_due_in(seconds: int) -> None:
        with system():
            AlertStep.objects.filter(alert=alert, done_at=None).update(
                due_at=timezone.now() + timedelta(seconds=seconds)
            )

    is_due_in(seconds=50)
    expect(left).to_have_class(re.compile("countdown--soon"))
    is_due_in(seconds=3)
    expect(left).to_have_text("now")
    expect(left).to_have_class(re.compile("countdown--over"))


def test_what_is_new_waits_to_be_shown_and_takes_nobodys_place(visit, of_alert, ada):
    phosphate = of_alert("Phosphate")
    page = visit(ada, "/alerts/")
    is_live(page)
    row = page.locator(f"#row-{phosphate}")
    row.focus()
    before = row.bounding_box()
    urea = of_alert("Urea")
    expect(page.locator("#worklist-new")).to_have_text("1 new – show")
    expect(page.locator(f"#row-{urea}")).to_have_count(0)
    assert row.bounding_box() == before
    expect(row).to_be_focused()
    page.keyboard.press(".")
    expect(page.locator(f"#row-{urea}")).to_be_visible()
    expect(page.locator("#worklist-new")).to_have_count(0)
    assert focused(page) == f"row-{phosphate}"
