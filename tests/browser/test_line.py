"""The line between page and server, and the badge that tells about it, when things go wrong."""

import re
import time

import pytest
from playwright.sync_api import expect

LIST = (
    '<live-region id="list" table="messages" hx-get="/list/" hx-trigger="news">as loaded'
    "</live-region>"
)
NOTES = '<live-region table="notes" hx-get="/notes/" hx-trigger="news">as loaded</live-region>'
# Beats and waits of a tenth, so that a test need not wait for what a person would not notice.
QUICK = {"beat": 500, "heartbeat": 500, "attempt": 800, "trouble": 400, "poll": 500, "steady": 500}
# …and one that never falls back to polling.
ALONE = {**QUICK, "trouble": 600_000, "tries": 1_000}


@pytest.fixture
def badge(stage):
    return stage.page.locator("live-badge .live-badge__text")


# Words -----------------------------------------------------------------------------------------


def test_live_it_says_when_the_server_last_spoke(stage, badge):
    spoken = re.compile(r"^Live · updated 14:0\d:\d\d$")
    stage.open(LIST, timing=QUICK)
    expect(badge).to_have_text(spoken)
    first = badge.inner_text()
    expect(badge).not_to_have_text(first)
    expect(badge).to_have_text(spoken)


def test_an_open_socket_on_which_nothing_comes_is_not_live(stage, badge):
    """The far end has gone without a word: the browser believes the socket is fine."""
    stage.open(LIST, timing=ALONE)
    stage.stands("live")
    stage.speaks = False
    stage.stands("reconnecting")
    expect(badge).to_have_text(r"Reconnecting… showing data from 14:03")
    stage.speaks = True
    stage.hurry()
    stage.stands("live")


def test_a_server_that_repeats_itself_is_not_live(stage):
    """It answers each heartbeat, but has not seen the log for a while, and says so."""
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    stage.now = lambda: "2026-01-01T14:04:00Z"
    stage.stands("polling")


def test_without_sockets_it_checks_every_five_seconds_and_says_so(stage, badge):
    stage.page.route_web_socket("**/websocket**", lambda socket: socket.close(code=1011))
    stage.open(LIST, timing=QUICK)
    stage.stands("polling")
    expect(badge).to_have_text("Checking every 5 s")
    stage.until(lambda: len(stage.polls) >= 3, "it goes on asking")
    assert stage.polls[0] == {
        "organization": "org",
        "cursor": "e:10",
        "bindings": [{"event": "*", "schema": "public", "table": "messages", "filter": ""}],
    }


def test_without_any_answer_it_is_offline_and_says_from_when_the_data_is(stage, badge):
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    stage.poll_answer = lambda route: route.abort()
    stage.speaks = False
    stage.stands("offline")
    expect(badge).to_have_text(r"Offline – data from 14:03")


def test_screen_readers_hear_of_changes_only(stage, badge):
    stage.open(LIST, timing=ALONE)
    status = stage.page.locator("live-badge [role=status]")
    stage.stands("live")
    shown = badge.inner_text()
    expect(badge).not_to_have_text(shown)
    expect(status).to_have_text("")
    stage.speaks = False
    stage.stands("reconnecting")
    expect(status).to_have_text("Reconnecting… showing data from 14:03")


# The cursor ------------------------------------------------------------------------------------


def test_back_on_the_line_it_asks_from_where_it_stood(stage):
    stage.open(LIST + NOTES)
    stage.stands("live")
    stage.change("messages", position=20)
    stage.until(lambda: stage.fetched("/list/") == 1, "the region is told")
    stage.socket.close(code=1012)
    stage.until(lambda: len(stage.joins) == 2, "it joins again")
    since = {binding["table"]: binding["since"] for binding in stage.joins[1]}
    assert since == {"messages": "e:20", "notes": "e:10"}


def test_what_the_poll_told_the_socket_does_not_tell_again(stage):
    stage.open(LIST, timing={**QUICK, "trouble": 50})
    stage.stands("live")
    told = {"ids": [0], "data": {"position": "e:30"}}
    answer = {"cursor": "e:30", "at": "2026-01-01T14:30:00Z", "events": [told]}
    stage.speaks = False
    stage.poll_answer = lambda route: route.fulfill(json=answer)
    stage.until(lambda: stage.fetched("/list/") == 1, "the poll tells the region")
    stage.speaks = True
    stage.position = 30
    stage.hurry()
    stage.stands("live")
    assert stage.joins[-1][0]["since"] == "e:30"
    stage.change("messages", position=30)
    stage.heard_out()
    assert stage.fetched("/list/") == 1


def test_a_poll_asks_from_the_earliest_cursor_and_passes_on_what_is_new(stage):
    stage.open(LIST + NOTES, timing={"trouble": 400, "poll": 500})
    stage.stands("live")
    stage.change("messages", position=20)
    stage.until(lambda: stage.fetched("/list/") == 1, "the region is told")
    both = [
        {"ids": [0], "data": {"position": "e:15"}},
        {"ids": [1], "data": {"position": "e:16"}},
    ]
    answer = {"cursor": "e:20", "at": "2026-01-01T14:30:00Z", "events": both}
    stage.poll_answer = lambda route: route.fulfill(json=answer)
    stage.speaks = False
    stage.socket.close(code=1012)
    stage.stands("polling")
    stage.until(lambda: stage.fetched("/notes/") == 1, "the other region is told")
    assert stage.polls[0]["cursor"] == "e:10"
    stage.acted()
    assert stage.fetched("/list/") == 1


def test_a_poll_that_could_not_tell_everything_is_followed_by_another_at_once(stage):
    stage.open(LIST, timing={**QUICK, "poll": 60_000})
    stage.stands("live")
    pages = [
        {"cursor": "e:500", "at": "2026-01-01T14:30:00Z", "events": [], "more": True},
        {"cursor": "e:700", "at": "2026-01-01T14:30:01Z", "events": [], "more": False},
    ]
    stage.poll_answer = lambda route: route.fulfill(json=pages[len(stage.polls) - 1])
    stage.speaks = False
    stage.stands("polling")
    assert [asked["cursor"] for asked in stage.polls] == ["e:10", "e:500"]


def test_when_history_cannot_be_replayed_everything_is_read_afresh(stage):
    stage.open(LIST + NOTES, timing=QUICK)
    stage.stands("live")
    stage.position = 900
    stage.system("resync", "the history is gone")
    stage.told()
    stage.until(lambda: stage.fetched("/list/") == stage.fetched("/notes/") == 1, "all read again")
    assert stage.cursor == "e:900"


def test_a_log_that_was_restored_is_a_new_beginning(stage):
    """The numbers start over: what the page had counted means nothing any more."""
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    stage.epoch, stage.position = "f", 3
    stage.system("resync", "another log")
    stage.told()
    stage.until(lambda: stage.cursor == "f:3", "the cursor is of the new log")
    stage.socket.close(code=1012)
    stage.until(lambda: len(stage.joins) == 2, "it joins again")
    assert stage.joins[1][0]["since"] == "f:3"


def test_a_page_that_was_ahead_of_the_log_goes_back_to_it(stage):
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    stage.position = 4
    stage.system("resync", "the cursor is ahead of the log")
    stage.told()
    stage.until(lambda: stage.cursor == "e:4", "the cursor is the log's")


def test_other_rights_mean_reading_again(stage):
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    stage.system("access", "rights changed")
    stage.until(lambda: stage.fetched("/list/") == 1, "the region reads again")


def _move(stage):
    stage.answers["/session/"] = lambda route: route.fulfill(status=409, body="no")
    stage.socket.close(code=4401)


def _refuse_join(stage):
    reason = {"reason": "OrganizationChanged: This page belongs to another organization"}
    stage._reply = lambda socket, frame, response: stage.say(
        frame[2], "phx_reply", {"status": "error", "response": reason}, frame[0], frame[1]
    )
    stage.socket.close(code=1012)


def _refuse_fetch(stage, status):
    stage.answers["/list/"] = lambda route: route.fulfill(status=status, body="no")
    stage.change("messages")


def _refuse_poll(stage, status):
    stage.poll_answer = lambda route: route.fulfill(status=status, body="no")
    stage.speaks = False


# Refusals --------------------------------------------------------------------------------------


def test_a_refused_join_is_tried_again_and_polling_stands_in(stage):
    stage.open(LIST, timing=QUICK)
    stage.stands("live")
    refuse = {"status": "error", "response": {"reason": "Too many channels"}}
    stage._reply = lambda socket, frame, response: stage.say(
        frame[2], "phx_reply", refuse, frame[0], frame[1]
    )
    stage.socket.close(code=1012)
    stage.stands("polling")
    stage.until(lambda: len(stage.joins) > 1, "it asks again")
    del stage._reply
    stage.hurry()
    stage.stands("live")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_page_that_asks_too_much_waits_says_so_and_recovers(stage, badge, status):
    """As told, whatever its own interval is, and also when somebody looks at it again."""
    stage.page.route_web_socket("**/websocket**", lambda socket: socket.close(code=1011))
    asked = []

    def refuse_the_first(route):
        asked.append(time.monotonic())
        if len(asked) == 1:
            text = {"error": "Too many polls"}
            route.fulfill(status=status, headers={"Retry-After": "3"}, json=text)
        else:
            route.fulfill(json={"cursor": stage.head, "at": stage.now(), "events": []})

    stage.poll_answer = refuse_the_first
    stage.open(LIST, timing=QUICK)
    stage.stands("offline")
    expect(badge).to_have_text(re.compile("^Offline – data from "))
    stage.hurry()
    stage.stands("polling")
    assert asked[1] - asked[0] >= 3


@pytest.mark.parametrize(
    ("how", "standing", "words"),
    [
        (lambda stage: stage.socket.close(code=4401), "signed-out", "You are signed out"),
        (lambda stage: _refuse_fetch(stage, 401), "signed-out", "You are signed out"),
        (lambda stage: _refuse_poll(stage, 401), "signed-out", "You are signed out"),
        (_refuse_join, "organization", "You moved"),
        (lambda stage: stage.socket.close(code=4403), "signed-out", "You are signed out"),
        (_move, "organization", "You moved"),
        (lambda stage: _refuse_fetch(stage, 409), "organization", "You moved"),
        (lambda stage: _refuse_poll(stage, 409), "organization", "You moved"),
    ],
    ids=[
        "socket out",
        "fetch out",
        "poll out",
        "join moved",
        "ended",
        "socket moved",
        "fetch moved",
        "poll moved",
    ],
)
def test_when_the_session_is_over_nothing_of_the_page_is_left(stage, how, standing, words):
    stage.page.clock.install()
    stage.open(f"{LIST}<p>Potassium 6.4</p><dialog open>Ana Ruiz</dialog>", timing=QUICK)
    stage.stands("live")
    how(stage)
    stage.stands(standing)
    page = stage.page
    expect(page.locator("h1")).to_have_text(words)
    left = page.content()
    assert not any(known in left for known in ("Potassium", "Ana Ruiz", "as loaded"))
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
    sent = len(stage.frames), len(stage.polls)
    # Nothing comes to this page any more: whatever it still has a timer for has its turn.
    stage.page.clock.run_for(30_000)
    stage.acted()
    assert (len(stage.frames), len(stage.polls)) == sent
    if standing == "signed-out":
        expect(page.locator("live-badge .live-badge__text")).to_have_text("Signed out")
        link = page.locator("a").get_attribute("href")
        assert link.endswith("/sign-in/?next=%2Fpage%2F")


# In the background -----------------------------------------------------------------------------

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
  document.dispatchEvent(new Event("visibilitychange"))
}"""


def test_in_the_background_it_hangs_up_after_a_grace_and_in_front_it_catches_up(stage):
    stage.open(LIST, timing=QUICK, **{"background-seconds": "0.3"})
    stage.stands("live")
    closed = []
    stage.socket.on_close(lambda code, reason: closed.append(code))
    stage.page.evaluate(HIDE, True)
    stage.change("messages", position=12)
    stage.until(lambda: bool(closed), "it hangs up")
    stage.position = 15
    stage.page.evaluate(HIDE, False)
    stage.stands("live")
    assert stage.joins[-1][0]["since"] == "e:12"


def test_a_glance_at_another_tab_changes_nothing(stage):
    # As long as `acted` waits: a timer of the page that is set before is due before.
    stage.open(LIST, timing=QUICK, **{"background-seconds": "0.2"})
    stage.stands("live")
    stage.page.evaluate(HIDE, True)
    stage.page.evaluate(HIDE, False)
    stage.acted()
    stage.heard_out()
    assert len(stage.joins) == 1
