"""The small custom elements: ages of times, toasts, dialogs, colours, values that changed."""

import pytest

NOW = 1_790_000_000_000  # milliseconds; any instant will do
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def show(modules):
    """`show(body, "relative-time")`: put markup on the page, then load its modules."""

    def shown(body, *names):
        modules.evaluate("body => { document.body.innerHTML = body }", body)
        for name in names:
            modules.evaluate("name => import(name)", name)
        return modules

    return shown


# Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (-30_000, "just now"),
        (30_000, "in less than a minute"),
        (-MINUTE, "1 minute ago"),
        (-59 * MINUTE, "59 minutes ago"),
        (-90 * MINUTE, "1 hour ago"),
        (-23 * HOUR, "23 hours ago"),
        (-DAY, "yesterday"),
        (2 * DAY, "in 2 days"),
    ],
)
def test_an_age_is_said_in_the_largest_unit_that_is_not_nought(modules, distance, words):
    script = 'async ([at, now]) => (await import("relative-time")).describe(at, now)'
    assert modules.evaluate(script, [NOW + distance, NOW]) == words


@pytest.mark.parametrize(("hours", "words"), [(26, "yesterday"), (46, "2 days ago")])
def test_yesterday_is_a_day_of_the_clinic_s_calendar(modules, hours, words):
    script = """async (hours) => {
      document.body.dataset.timeZone = "America/New_York"
      const now = Date.parse("2026-11-21T12:00:00Z")
      return (await import("relative-time")).describe(now - hours * 3600000, now)
    }"""
    assert modules.evaluate(script, hours) == words


def time_element(page, *, ago, attributes=""):
    instant = page.evaluate("ago => new Date(Date.now() - ago).toISOString()", ago)
    return f'<relative-time datetime="{instant}" {attributes}>Tue 24 Nov, 14:03</relative-time>'


def test_the_exact_time_stays_within_reach_of_its_age(modules, show):
    page = show(time_element(modules, ago=5 * MINUTE), "relative-time")
    element = page.locator("relative-time")
    assert element.inner_text() == "5 minutes ago"
    assert element.get_attribute("title") == "Tue 24 Nov, 14:03"


def test_where_both_are_wanted_both_are_said(modules, show):
    page = show(time_element(modules, ago=5 * MINUTE, attributes="beside"), "relative-time")
    assert page.locator("relative-time").inner_text() == "Tue 24 Nov, 14:03 · 5 minutes ago"


def test_after_a_week_the_date_says_more_than_the_age(modules, show):
    page = show(time_element(modules, ago=8 * DAY), "relative-time")
    assert page.locator("relative-time").inner_text() == "Tue 24 Nov, 14:03"


# Toasts ---------------------------------------------------------------------------------------

TOASTS = """
<toast-list><template><div class="toast"><p class="toast__text"></p>
<button class="toast__close">Close</button></div></template></toast-list>
"""


def toast(page, text, level):
    detail = {"text": text, "level": level}
    page.evaluate('detail => document.dispatchEvent(new CustomEvent("toast", { detail }))', detail)


def test_a_toast_is_text_and_never_markup(show):
    page = show(TOASTS, "toast-list")
    toast(page, "<b>Sent</b>", "success")
    assert page.locator(".toast--success .toast__text").inner_text() == "<b>Sent</b>"


def test_a_confirmation_leaves_by_itself_and_an_error_stays(modules, show):
    modules.clock.install()
    page = show(TOASTS, "toast-list")
    toast(page, "Message sent.", "success")
    toast(page, "That did not work.", "error")
    modules.clock.run_for(20_000)
    assert page.locator(".toast__text").all_inner_texts() == ["That did not work."]
    page.locator(".toast__close").click()
    assert page.locator(".toast").count() == 0


def test_a_confirmation_waits_while_somebody_is_on_it(modules, show):
    modules.clock.install()
    page = show(TOASTS, "toast-list")
    toast(page, "Message sent.", "success")
    page.locator(".toast__close").focus()
    modules.clock.run_for(20_000)
    assert page.locator(".toast").count() == 1


# Dialogs --------------------------------------------------------------------------------------


def test_the_opener_shows_the_dialog_and_has_the_focus_back_afterwards(show):
    page = show(
        '<dialog-opener for="sure"><a href="/elsewhere/">Remove</a></dialog-opener>'
        '<dialog id="sure"><button data-close>Go back</button></dialog>',
        "dialog-opener",
    )
    page.get_by_text("Remove").click()
    assert page.locator("dialog[open]").count() == 1
    page.get_by_text("Go back").click()
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.textContent") == "Remove"
    assert page.url.endswith("modules.test/")


# Colours --------------------------------------------------------------------------------------

SWITCH = """<theme-switch><form>
<input type="radio" name="theme" value="system" checked>
<input type="radio" name="theme" value="dark"></form></theme-switch>"""


def test_a_choice_of_colours_holds_at_once_and_on_the_next_page(show):
    page = show(SWITCH, "theme-switch")
    page.locator("[value=dark]").check()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.cookie") == "theme=dark"

    page.locator("[value=system]").check()
    assert page.evaluate("document.documentElement.dataset.theme") is None
    assert page.evaluate("document.cookie") == ""


# Values that changed --------------------------------------------------------------------------

SWAP = """(markup) => {
  const target = document.getElementById("readings")
  document.dispatchEvent(new CustomEvent("htmx:beforeSwap", { detail: { target } }))
  target.outerHTML = markup
  const now = document.getElementById("readings")
  now.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true }))
}"""


def readings(pressure, pulse):
    return (
        f'<ul id="readings"><li data-watch="pressure">{pressure}</li>'
        f'<li data-watch="pulse">{pulse}</li></ul>'
    )


def test_only_the_value_that_changed_is_marked_and_only_for_a_while(modules, show):
    modules.clock.install()
    page = show(f"<main>{readings('120/80', 70)}</main>", "change-tint")
    page.evaluate(SWAP, readings("155/92", 70))
    assert page.locator("[data-changed]").all_inner_texts() == ["155/92"]
    modules.clock.run_for(3_000)
    assert page.locator("[data-changed]").count() == 0


@pytest.mark.parametrize("neighbour", ["", '<p data-watch="visit">Tue 24 Nov</p>'])
def test_what_is_loaded_for_the_first_time_is_not_a_change(show, neighbour):
    page = show(f'<main>{neighbour}<ul id="readings"></ul></main>', "change-tint")
    page.evaluate(SWAP, readings("155/92", 70))
    assert page.locator("[data-changed]").count() == 0


GONE = """() => {
  const errors = []
  addEventListener("error", ({ message }) => errors.push(message))
  const target = document.getElementById("readings")
  target.remove()
  document.dispatchEvent(new CustomEvent("htmx:beforeSwap", { detail: { target } }))
  return errors
}"""


def test_an_answer_for_what_is_gone_meanwhile_is_no_trouble(show):
    page = show(f"<main>{readings('120/80', 70)}</main>", "change-tint")
    assert page.evaluate(GONE) == []
