"""The operations page looks again by itself, and keeps what it showed when it cannot."""

import uuid

import psycopg
import pytest
from playwright.sync_api import expect

LOOKS_AGAIN = "00:11"


@pytest.fixture
def found(database_urls):
    """`found("reason")`: the guard found something."""

    def found(reason):
        with psycopg.connect(database_urls.owner, autocommit=True) as owner:
            owner.execute(
                "INSERT INTO operation_findings (id, rule, began_at, beyond_at, raised_at, reason,"
                " is_critical) VALUES (%s, %s, now(), now(), now(), %s, false)",
                [uuid.uuid4(), "a rule", reason],
            )

    return found


@pytest.fixture
def page(visit, admin):
    """Open, with a clock that can be put forward."""
    page = visit(admin, "/account/")
    page.clock.install()
    page.goto(f"{visit.url}/operations/")
    return page


def test_what_is_found_is_shown_without_a_reload_and_is_no_sign_of_a_person(page, found):
    found("99th percentile of delivery 1.4 s over five minutes; bound 1 s")
    with page.expect_request("**/operations/now/") as asked:
        page.clock.fast_forward(LOOKS_AGAIN)
    assert asked.value.headers["x-vigil-refresh"]
    expect(page.get_by_text("99th percentile of delivery 1.4 s")).to_be_visible()


def test_a_look_that_fails_keeps_what_was_shown_and_says_that_it_may_be_old(page, visit, found):
    visit.expect_trouble("/operations/now/")
    page.route("**/operations/now/", lambda route: route.fulfill(status=503))
    page.clock.fast_forward(LOOKS_AGAIN)
    stale = page.locator("live-region[data-stale]")
    expect(stale).to_be_visible()
    assert "This may be out of date" in stale.evaluate(
        "at => getComputedStyle(at, '::before').content"
    )
    expect(page.get_by_role("heading", name="Relay and log")).to_be_visible()
    found("found meanwhile")
    page.unroute("**/operations/now/")
    page.clock.fast_forward("01:00")
    expect(page.get_by_text("found meanwhile").first).to_be_visible()
    expect(stale).to_have_count(0)
