"""Letters twice as large, on a phone: nothing is pushed aside, and every place keeps its word.

All sizes are in rem, so that a phone of 390 px whose reader doubles the letters has room for as
much as one of half its width.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.people import is_live

HALF = {"width": 195, "height": 422}
WIDTH_OF_PAGE = "document.documentElement.scrollWidth"
CUT = """words => words.filter((each) => each.scrollWidth > each.clientWidth).map((each) =>
  each.textContent)"""


def is_whole(page):
    expect(page.locator(".slot[hx-trigger=load] .skeleton")).to_have_count(0)
    assert page.evaluate(WIDTH_OF_PAGE) == HALF["width"]
    words = page.locator(".nav__link > span:not(.nav__count)")
    assert words.count() >= 5
    assert words.evaluate_all(CUT) == []


def test_pages_of_the_staff(visit, of_alert, conversation, ada):
    alert = of_alert("Potassium")
    page = visit(ada, "/dashboard/", viewport=HALF)
    is_live(page)
    is_whole(page)
    for path in ("/alerts/", f"/alerts/{alert}/", "/messages/", conversation.path, "/schedule/",
                 "/alerts/report/"):  # fmt: skip
        page.goto(f"{visit.url}{path}")
        is_whole(page)


@pytest.mark.parametrize("path", ["/home/", "/messages/", "/visits/", "/account/notifications/"])
def test_pages_of_a_patient(visit, conversation, ana, path):
    is_whole(visit(ana, path, viewport=HALF))


def test_the_operations_page(visit, admin):
    is_whole(visit(admin, "/operations/", viewport=HALF))
