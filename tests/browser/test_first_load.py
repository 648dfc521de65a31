"""A part that its page loads by itself and that does not come: it says so, and comes later."""

import pytest
from playwright.sync_api import expect

READINGS = "**/home/readings/**"
FAILED, COME = "We could not load this", "Last readings"
KEEPS_TRYING = "We keep trying."
# Jumped over, and not run through: of a hundred times on a busy machine, `run_for` hung twice here.
LONGER_THAN_ANY_WAIT = "00:20"


@pytest.fixture
def home(visit, ana):
    """`home(answer)`: Ana's page, on which nothing but her readings fails, by this answer."""

    def home(answer):
        visit.expect_trouble("/home/readings/", "htmx:")
        page = visit(ana, "/account/")
        page.clock.install()
        page.route(READINGS, answer)
        page.goto(f"{visit.url}/home/")
        return page

    return home


def part(page):
    return page.locator(".slot[hx-get^='/home/readings/']")


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (lambda route: route.abort(), "requestfailed"),
        (lambda route: route.fulfill(status=503, body="<h1>Later</h1>"), "requestfinished"),
    ],
    ids=["no line", "a proxy"],
)
def test_it_says_so_and_comes_by_itself(home, answer, ended):
    page = home(answer)
    expect(part(page)).to_contain_text(FAILED)
    expect(part(page)).to_contain_text(KEEPS_TRYING)
    expect(part(page).locator(".skeleton")).to_have_count(0)
    # Aloud once, for all parts together.
    expect(page.locator("behind-notice")).to_contain_text("Part of this page")
    expect(page.locator(".toast")).to_have_count(0)

    # Nor does it complain of the second time.
    with page.expect_event(ended, lambda request: "/home/readings/" in request.url):
        page.clock.fast_forward(LONGER_THAN_ANY_WAIT)
    expect(part(page)).to_contain_text(FAILED)

    page.unroute(READINGS)
    expect(part(page)).to_contain_text(COME)
    expect(page.locator("behind-notice")).to_be_empty()


def test_an_answer_that_hangs_is_given_up_and_asked_for_again(home):
    asked, seen = [], []

    def hangs_until_seen(route):
        asked.append(route)
        if seen:
            route.continue_()

    page = home(hangs_until_seen)
    expect(part(page).locator(".skeleton")).to_have_count(1)
    expect(part(page)).to_contain_text(FAILED)
    seen.append(True)
    expect(part(page)).to_contain_text(COME)
    assert len(asked) > 1


def test_what_is_refused_is_asked_for_again_by_a_person_alone(home):
    asked = []

    def refused(route):
        asked.append(route)
        route.fulfill(status=404, body="Not here")

    page = home(refused)
    expect(part(page)).to_contain_text(FAILED)
    expect(part(page)).not_to_contain_text(KEEPS_TRYING)
    expect(page.locator(".toast")).to_have_count(0)
    page.clock.fast_forward(LONGER_THAN_ANY_WAIT)
    assert len(asked) == 1

    page.unroute(READINGS)
    part(page).get_by_role("button", name="Try again now").click()
    expect(part(page)).to_contain_text(COME)


def test_a_part_that_has_nothing_to_say_leaves_no_gap(visit, ana):
    """Ana has no plan, no message and no visit."""
    page = visit(ana, "/home/")
    expect(part(page)).to_contain_text(COME)
    expect(page.locator(".slot .skeleton")).to_have_count(0)
    greeting, check_in, readings = (
        page.locator(f".slot[hx-get^='/home/{name}/']").bounding_box()
        for name in ("greeting", "check-in", "readings")
    )
    between = check_in["y"] - greeting["y"] - greeting["height"]
    assert readings["y"] - check_in["y"] - check_in["height"] == pytest.approx(between, abs=0.5)
