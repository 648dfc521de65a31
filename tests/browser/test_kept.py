"""What a reader did with a part of the page outlasts news: where they stand, what they unfolded."""

import pytest
from playwright.sync_api import expect

from tests.browser.people import is_live

PART = """<h2 tabindex="-1">Visits of {number}</h2>
<a href="/ben/">Ben Cho</a> <a href="/ana/">Ana Ruiz</a> <a href="/ana/">Ana Ruiz</a>
<ul><li data-next-focus="name">{button}<a id="name" href="/cara/">Cara Diaz</a></li></ul>
<details id="off"><summary>Called off</summary><p>Dan Everett</p></details>
<details id="on" open><summary>Booked</summary><p>Eve Sand</p></details>"""


@pytest.fixture
def region(stage):
    """A part that each fetch brings with another number, and without its button."""
    fetched = iter(range(1, 100))

    def answer(route):
        route.fulfill(body=PART.format(number=next(fetched), button=""))

    stage.answers["/list/"] = answer
    first = PART.format(number=0, button="<button>Arrived</button>")
    stage.open(
        f'<live-region table="visits" hx-get="/list/" hx-trigger="news">{first}</live-region>'
    )
    stage.page.evaluate("Promise.all([import('kept-focus'), import('kept-folds')])")
    stage.stands("live")
    return stage.page.locator("live-region")


def refreshed(stage, region):
    stage.change("visits")
    expect(region.locator("h2")).not_to_have_text("Visits of 0")


def test_who_stands_on_a_link_without_an_id_still_does(stage, region):
    second = region.get_by_role("link", name="Ana Ruiz").nth(1)
    second.focus()
    refreshed(stage, region)
    expect(second).to_be_focused()


def test_who_stood_on_what_is_gone_stands_at_its_line(stage, region):
    region.get_by_role("button", name="Arrived").focus()
    refreshed(stage, region)
    expect(region.get_by_role("link", name="Cara Diaz")).to_be_focused()


def test_what_was_unfolded_or_folded_is_so_still(stage, region):
    region.get_by_text("Called off").click()
    region.get_by_text("Booked").click()
    refreshed(stage, region)
    expect(region.get_by_text("Dan Everett")).to_be_visible()
    expect(region.get_by_text("Eve Sand")).to_be_hidden()
    expect(region.get_by_text("Booked")).to_be_focused()


def test_a_reason_half_typed_outlasts_a_new_score(visit, ada, ana):
    page = visit(ada, f"/patients/{ana.patient.pk}/")
    is_live(page)
    page.get_by_text("Oxygen: scale 1").click()
    reason = page.get_by_label("Reason")
    reason.fill("Hypercapnic, known since")
    with page.expect_response("**/panels/news2/"):
        page.evaluate("document.getElementById('panel-news2').dispatchEvent(new Event('news'))")
    expect(page.locator("#panel-news2.htmx-request, #panel-news2.htmx-settling")).to_have_count(0)
    expect(reason).to_have_value("Hypercapnic, known since")
    expect(reason).to_be_focused()
    page.get_by_role("button", name="Prescribe 88–92 %").click()
    expect(page.get_by_text("Prescribed by Ada Lee")).to_be_visible()
    page.get_by_role("button", name="End scale 2").click()
    expect(page.get_by_text("Oxygen: scale 1")).to_be_visible()
