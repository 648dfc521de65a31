"""Every page, as everybody who may open it: accessible in both colours, narrow and wide, and quiet.

Quiet: no error in the console, nothing that the content security policy refuses, no request to
another host.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.alarms import a_living_worker, failing_alerts
from tests.browser.pages import REFUSED, ROLES, SHOWN, path_of

# Each colour scheme and each width once, the wide one first: a look costs axe seconds.
LOOKS = (("light", 1440), ("dark", 390))
NARROWEST = 320  # WCAG 1.4.10: what 1280 px show at 400 %
# As high as the page: every panel is revealed, and no tab bar lies over a part in passing.
HEIGHT = 6_000
# axe leaves some rules of 2.2 out unless they are asked for by tag: the size of targets.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The frame of the administration is its theme's: we hold it to the standard, ours to good practice.
THEIRS = {"administration", "rota"}
FOUND = """async (options) => (await axe.run(options)).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`))"""
# How wide it is, and what sticks out by its box; text that does has none of its own.
TOO_WIDE = """() => {
  const width = document.documentElement.scrollWidth
  if (width <= innerWidth) return []
  const sticksOut = (element) => element.getBoundingClientRect().right > innerWidth + 1
  const found = [...document.body.querySelectorAll("*")].filter(sticksOut)
  return [`${width} px`, ...found.map((element) => element.outerHTML.slice(0, 160))]
}"""
# Words that are cut, in the widest of fonts that a system may have: the tests' machine has it.
CUT = """() => [...document.querySelectorAll(".nav__link > span:not(.nav__count)")]
  .filter((word) => word.scrollWidth > word.clientWidth).map((word) => word.textContent)"""
# axe reads the same few colours thousands of times for a page, which is a seventh of its work.
READ_ONCE = """() => {
  const { prototype } = axe.commons.color.Color
  const read = prototype.parseString
  const known = new Map()
  prototype.parseString = function (text) {
    if (!known.has(text)) {
      const { r, g, b, alpha } = read.call(this, text)
      known.set(text, { r, g, b, alpha })
    }
    return Object.assign(this, known.get(text))
  }
}"""
SETTLED = """() => document.readyState === "complete" && !document.querySelector(
  ".htmx-request, .slot .skeleton, html:has(body[data-page]):not([data-connection=live])")"""


@pytest.fixture(scope="module")
def day(committed_for_module, database_urls):
    from tests.cast import CAST
    from tests.ordinary_day import ordinary_day

    with a_living_worker(database_urls):
        yield ordinary_day(CAST)


@pytest.fixture(scope="module")
def tab_of(browser: Browser, running_server, day) -> Iterator[Callable[[str], Page]]:
    """The browser of somebody with a role; each has one tab for all pages: one costs a process."""
    from tests.cast import CAST, signed_in

    opened: dict[str, BrowserContext] = {}

    def tab_of(role: str) -> Page:
        if role not in opened:
            opened[role] = browser.new_context(base_url=running_server.url, reduced_motion="reduce")
            opened[role].new_page()
            if name := ROLES[role]:
                opened[role].add_cookies(
                    [
                        {"name": each.key, "value": each.value, "url": running_server.url}
                        for each in signed_in(getattr(CAST, name)).cookies.values()
                    ]
                )
        return opened[role].pages[0]

    yield tab_of
    for context in opened.values():
        context.close()


@pytest.fixture
def open_page(tab_of, running_server) -> Iterator[Callable[[str, str, int], Page]]:
    """`open_page(role, path, status)`: the settled page; what it complained of fails the test."""
    complaints: list[str] = []
    tidy = ExitStack()

    def open_page(role: str, path: str, status: int) -> Page:
        page = tab_of(role)
        page.emulate_media(color_scheme=LOOKS[0][0])
        page.set_viewport_size({"width": LOOKS[0][1], "height": HEIGHT})
        for event, hear in (
            ("pageerror", lambda error: complaints.append(str(error))),
            ("console", lambda message: listen(message, status)),
            ("request", lambda request: look(request.url)),
        ):
            page.on(event, hear)
            tidy.callback(page.remove_listener, event, hear)
        answer = page.goto(path)
        assert answer.status == status
        page.wait_for_function(SETTLED)
        return page

    def listen(message, status: int) -> None:
        own = f"status of {status} (" in message.text and status >= 400
        if message.type in ("error", "warning") and not own:
            complaints.append(message.text)

    def look(url: str) -> None:
        if not url.startswith((running_server.url, "data:", "blob:")):
            complaints.append(f"asked another host: {url}")

    with tidy:
        yield open_page
    assert complaints == []


@pytest.mark.parametrize(("role", "name"), SHOWN, ids=[" ".join(each) for each in SHOWN])
def test_a_page_is_for_everybody(open_page, day, role, name):
    page = open_page(role, path_of(role, name, day), REFUSED.get(name, 200))
    assert page.title().strip()
    assert page.locator("h1").count() == 1
    assert _amiss(page, WCAG if name in THEIRS else [*WCAG, "best-practice"]) == []
    page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
    assert page.evaluate(TOO_WIDE) == []


def test_a_page_is_for_everybody_while_alerts_fail(open_page, day, database_urls):
    with failing_alerts(database_urls):
        page = open_page("clinician", path_of("clinician", "dashboard", day), 200)
        expect(page.locator("#alerts-failing")).to_be_visible()
        assert _amiss(page, [*WCAG, "best-practice"]) == []
        page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
        assert page.evaluate(TOO_WIDE) == []


def _amiss(page: Page, tags: list[str]) -> list[str]:
    """What axe finds in each look of a page."""
    page.evaluate(AXE_SCRIPT)
    page.evaluate(READ_ONCE)
    return [
        f"{scheme}, {width} px: {each}"
        for scheme, width in LOOKS
        for each in _what_axe_finds(page, scheme, width, tags)
    ]


def _what_axe_finds(page: Page, scheme: str, width: int, tags: list[str]) -> list[str]:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme=scheme)
    rules = {"type": "tag", "values": tags}
    # No rule of these reads the style sheets themselves: not to fetch them again saves a while.
    options = {"resultTypes": ["violations"], "runOnly": rules, "preload": False}
    return page.evaluate(FOUND, options)


@pytest.mark.parametrize("role", ["clinician", "admin"])
def test_every_place_in_the_rail_is_named_in_full(open_page, day, role):
    page = open_page(role, path_of(role, "dashboard", day), 200)
    for width in (NARROWEST, 360, 390, 480, 768, 1440):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        assert page.evaluate(CUT) == [], f"{width} px"


def test_the_table_of_patients_fits_a_tablet(open_page, day):
    page = open_page("clinician", path_of("clinician", "dashboard", day), 200)
    for width in (768, 1024):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        scrolls = "table => table.scrollWidth > table.clientWidth"
        assert not page.locator("#dashboard-patients .table-scroll").evaluate(scrolls), width
