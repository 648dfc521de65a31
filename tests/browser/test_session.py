"""The warning before a session ends: when it comes, how it is answered, what follows silence."""

import pytest
from playwright.sync_api import expect

LIST = '<live-region table="messages" hx-get="/list/" hx-trigger="news">Potassium</live-region>'
MINUTE = 60_000


@pytest.fixture
def session(stage):
    """A session of 15 minutes as the server counts it: `left` seconds, and who asked."""
    record = {"left": 900, "asked": []}

    def answer(route):
        record["asked"].append(route.request.method)
        if record["left"] <= 0:
            route.fulfill(status=401, body="over")
            return
        if route.request.method == "POST":
            record["left"] = 900
        route.fulfill(json={"seconds_left": record["left"]})

    stage.answers["/session/"] = answer
    stage.page.clock.install()
    stage.open(LIST)
    stage.stands("live")
    return record


@pytest.fixture
def dialog(stage):
    return stage.page.locator("session-guard dialog")


def quiet_for(stage, session, minutes):
    """Nobody touches this tab; the server counts as well."""
    session["left"] -= minutes * 60
    stage.page.clock.fast_forward(minutes * MINUTE)
    stage.page.clock.run_for(1_100)


def test_a_minute_before_the_end_it_asks(stage, session, dialog):
    quiet_for(stage, session, 13.5)
    expect(dialog).not_to_be_visible()
    assert session["asked"] == []
    quiet_for(stage, session, 0.6)
    expect(dialog).to_be_visible()
    expect(dialog.locator("[data-seconds-left]")).to_have_text("54")
    assert session["asked"] == ["GET"], "asking how long is no activity"


def test_staying_is_one_key_away(stage, session, dialog):
    quiet_for(stage, session, 14.1)
    expect(dialog).to_be_visible()
    expect(stage.page.locator("[data-stay]")).to_be_focused()
    stage.page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible()
    assert session["asked"][-1] == "POST"
    quiet_for(stage, session, 13)
    expect(dialog).not_to_be_visible()


def test_escape_is_an_answer_too(stage, session, dialog):
    quiet_for(stage, session, 14.1)
    expect(dialog).to_be_visible()
    stage.page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    assert session["asked"][-1] == "POST"


def test_work_in_another_tab_keeps_this_one_quiet(stage, session, dialog):
    session["left"] += 300
    quiet_for(stage, session, 14.1)
    stage.until(lambda: session["asked"] == ["GET"], "it asks")
    stage.acted()
    expect(dialog).not_to_be_visible()


def test_work_in_another_tab_takes_the_question_back(stage, session, dialog):
    quiet_for(stage, session, 14.1)
    expect(dialog).to_be_visible()
    session["left"] = 880
    stage.page.clock.run_for(6_000)
    expect(dialog).not_to_be_visible()


def test_nobody_answers_and_the_page_is_gone(stage, session, dialog):
    quiet_for(stage, session, 14.1)
    expect(dialog).to_be_visible()
    quiet_for(stage, session, 1)
    stage.stands("signed-out")
    expect(stage.page.locator("h1")).to_have_text("You are signed out")
    assert "Potassium" not in stage.page.content()


@pytest.mark.parametrize("minutes", [15.1, 600])
def test_a_laptop_that_slept_through_the_end_shows_nothing(stage, session, minutes):
    quiet_for(stage, session, minutes)
    stage.stands("signed-out")
    assert "Potassium" not in stage.page.content()


def test_without_network_the_page_goes_by_its_own_count(stage, session):
    stage.answers["/session/"] = lambda route: route.abort()
    quiet_for(stage, session, 15.1)
    stage.stands("signed-out")
    assert "Potassium" not in stage.page.content()
