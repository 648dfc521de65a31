"""A part of the page that cannot be brought up to date: the page says so until it can."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import eventually, is_live, stands

TRIED_AGAIN = 3
LATE = re.compile(r"^Alerts could not be brought up to date since \d\d:\d\d\. Trying again…$")
OLD = re.compile(r"^Not up to date since \d\d:\d\d$")
LIVE = re.compile(r"^Live · updated \d\d:\d\d:\d\d$")

FAILURES = {
    "server error": lambda route: route.fulfill(status=500, body="broken"),
    "refused by a proxy": lambda route: route.fulfill(status=403, body="<h1>Forbidden</h1>"),
    "lost by a proxy": lambda route: route.fulfill(status=404, body="<h1>Not found</h1>"),
    "no answer": lambda route: route.abort(),
}


class Bar:
    """The bar of a page: whether it can be fetched, and how often it was tried."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tries = 0

    def fails(self, how: str = "server error") -> None:
        self.page.route("**/alerts/bar/", lambda route: self._fail(route, how))

    def works(self) -> None:
        self.page.unroute("**/alerts/bar/")

    def _fail(self, route, how: str) -> None:
        self.tries += 1
        FAILURES[how](route)


@pytest.fixture
def watched(visit, ada):
    """`watched(path)`: a page of Ada's, with its bar in the test's hands."""
    visit.expect_trouble("/alerts/bar/", "Failed to load resource", "htmx:")

    def watched(path: str = "/patients/") -> tuple[Page, Bar]:
        page = visit(ada, path)
        is_live(page)
        return page, Bar(page)

    return watched


def notice(page: Page):
    return page.locator("behind-notice")


def badge(page: Page):
    return page.locator("live-badge .live-badge__text")


@pytest.mark.parametrize("how", FAILURES)
def test_a_bar_that_cannot_be_fetched_does_not_look_calm(watched, of_alert, how):
    page, bar = watched()
    bar.fails(how)
    of_alert()
    expect(notice(page)).to_have_text(LATE)
    expect(notice(page)).to_be_in_viewport()
    expect(badge(page)).to_have_text(OLD)
    stands(page, "behind")
    bar.works()
    expect(page.locator(".alert-bar")).to_contain_text("Potassium 7 mmol/L")
    expect(notice(page)).to_be_empty()
    is_live(page)
    expect(badge(page)).to_have_text(LIVE)


def test_it_is_said_once_however_often_it_is_tried(watched, of_alert):
    page, bar = watched()
    page.evaluate(
        """() => {
          window.said = []
          for (const status of document.querySelectorAll("[role=status]")) {
            const note = () => status.textContent && window.said.push(status.textContent)
            const all = { childList: true, characterData: true, subtree: true }
            new MutationObserver(note).observe(status, all)
          }
        }"""
    )
    bar.fails()
    of_alert()
    eventually(page, lambda: bar.tries >= TRIED_AGAIN, "it is tried again and again")
    said = page.evaluate("window.said")
    assert len(said) == 1
    assert LATE.match(said[0])


def test_an_alert_that_stands_stays_where_it_is_while_the_bar_cannot_be_fetched(watched, of_alert):
    of_alert()
    page, bar = watched()
    bar.fails()
    of_alert("Lactate")
    expect(notice(page)).to_have_text(LATE)
    standing = page.locator(".alert-bar")
    expect(standing).to_contain_text("Potassium 7 mmol/L")
    # Nobody has it: red, and not greyed like what only may be old.
    expect(page.locator("#alert-bar")).to_have_css("filter", "none")
    expect(page.locator("#alert-bar")).to_have_css("opacity", "1")
    bar.works()
    expect(standing).to_contain_text("and 1 more")


def test_what_the_server_no_longer_gives_the_reader_leaves_the_bar(watched, of_alert):
    of_alert()
    page, bar = watched()
    bar.fails("lost by a proxy")
    page.evaluate("document.getElementById('alert-bar').dispatchEvent(new Event('news'))")
    expect(notice(page)).to_have_text(LATE)
    expect(page.locator("#alert-bar")).to_be_empty()


# Other parts of the frame, on a page whose server is the test ---------------------------------

COUNT = '<live-region id="count" table="messages" hx-get="/count/" hx-trigger="news"></live-region>'
PART = "Part of this page could not be brought up to date since 14:03. Trying again…"


@pytest.fixture
def count(stage):
    stage.open("<p>Nothing here is live.</p>", frame=COUNT)
    stage.stands("live")
    return stage.page.locator("#count")


@pytest.mark.parametrize("status", [500, 502, 403, 407])
def test_a_count_that_cannot_be_fetched_is_not_silent(stage, count, status):
    stage.answers["/count/"] = lambda route: route.fulfill(status=status, body="no")
    stage.change("messages")
    stage.stands("behind")
    expect(notice(stage.page)).to_have_text(PART)
    expect(badge(stage.page)).to_have_text("Not up to date since 14:03")
    stage.until(lambda: stage.fetched("/count/") >= TRIED_AGAIN, "it is tried again")
    del stage.answers["/count/"]
    stage.stands("live")
    expect(notice(stage.page)).to_be_empty()
    expect(count).to_contain_text("/count/")


def test_a_part_that_has_gone_is_behind_no_longer(stage, count):
    stage.answers["/count/"] = lambda route: route.fulfill(status=500, body="no")
    stage.change("messages")
    stage.stands("behind")
    stage.page.evaluate(
        "document.querySelector('main').innerHTML = '<live-region table=\"notes\"></live-region>'"
    )
    stage.until(lambda: len(stage.joins) == 2, "the other part is listened for")
    stage.stands("behind")
    count.evaluate("(each) => each.remove()")
    stage.stands("live")
    expect(notice(stage.page)).to_be_empty()


def test_a_part_that_nobody_sees_holds_nothing_up_until_it_is_seen(stage, count):
    stage.answers["/count/"] = lambda route: route.fulfill(status=500, body="no")
    stage.change("messages")
    stage.stands("behind")
    count.evaluate("(each) => (each.hidden = true)")
    stage.page.add_style_tag(content="[hidden] { display: none !important }")
    stage.stands("live")
    count.evaluate("(each) => (each.hidden = false)")
    stage.stands("behind")
    del stage.answers["/count/"]
    stage.stands("live")


def test_a_line_that_is_lost_is_said_before_what_is_behind(stage, count):
    stage.answers["/count/"] = lambda route: route.fulfill(status=500, body="no")
    stage.change("messages")
    stage.stands("behind")
    stage.poll_answer = lambda route: route.abort()
    stage.speaks = False
    stage.socket.close(code=1012)
    stage.stands("offline")
    expect(badge(stage.page)).to_have_text("Offline – data from 14:03")
    stage.speaks, stage.poll_answer = True, None
    stage.hurry()
    stage.stands("behind")
