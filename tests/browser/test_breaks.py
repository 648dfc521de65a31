"""The line breaks and nothing is lost: server killed, socket blocked, link dead, tab hidden."""

import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.people import is_live, lines, message, send, stands

IN_FRONT = """(isInFront) => {
  const state = isInFront ? "visible" : "hidden"
  Object.defineProperty(document, "hidden", { value: !isInFront, configurable: true })
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true })
  document.dispatchEvent(new Event("visibilitychange"))
}"""
NO_GRACE = """document.addEventListener("readystatechange", () => {
  if (document.body) document.body.dataset.backgroundSeconds = "0.2"
})"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_server_that_dies_and_comes_back(visit, conversation, server, ana, noor, number):
    visit.expect_trouble("ERR_", "WebSocket", "htmx:")
    nurse = visit(noor, conversation.path)
    is_live(nurse)
    half_written = nurse.locator(".composer textarea")
    half_written.fill("Please put")
    server.stop(number)
    nurse.wait_for_selector("html:not([data-connection=live])", state="attached")
    conversation.reply(ana, "Are you there?")
    conversation.reply(ana, "Hello?")
    stands(nurse, "offline", 30_000)
    expect(nurse.locator("live-badge")).to_contain_text("Offline – data from")
    server.start()
    is_live(nurse, 60_000)
    expect(nurse.locator(".message__body")).to_have_count(3)
    assert lines(nurse) == conversation.bodies()
    expect(half_written).to_have_value("Please put")


def test_without_sockets_it_polls_says_so_and_goes_back(visit, conversation, ana, noor):
    visit.expect_trouble("WebSocket")
    blocked = True

    def gate(socket):
        if blocked:
            socket.close(code=1011)
        else:
            socket.connect_to_server()

    context = visit.context(noor, visit.url)
    context.route_web_socket("**/websocket**", gate)
    nurse = visit(noor, conversation.path)
    stands(nurse, "polling")
    expect(nurse.locator("live-badge")).to_contain_text("Checking every 5 s")
    conversation.reply(ana, "Told by the poll.")
    expect(message(nurse, "Told by the poll.")).to_be_visible()

    blocked = False
    nurse.evaluate("dispatchEvent(new Event('online'))")
    is_live(nurse)
    conversation.reply(ana, "Told by the socket.")
    expect(message(nurse, "Told by the socket.")).to_be_visible()
    assert lines(nurse) == conversation.bodies()


def test_a_link_that_dies_silently_is_noticed_and_caught_up(visit, conversation, wire, ana, noor):
    """No connection breaks: the browser believes in its socket, the page must not."""
    visit.expect_trouble("WebSocket", "htmx:", "Failed to load resource")
    nurse = visit(noor, conversation.path, url=wire.url)
    is_live(nurse)
    wire.die()
    conversation.reply(ana, "Into the dark.")
    nurse.wait_for_selector("html:not([data-connection=live])", state="attached", timeout=60_000)
    wire.revive()
    is_live(nurse, 60_000)
    expect(message(nurse, "Into the dark.")).to_be_visible()
    assert lines(nurse) == conversation.bodies()


def test_in_the_background_it_lets_go_and_in_front_it_has_missed_nothing(
    visit, conversation, ana, noor
):
    context = visit.context(noor, visit.url)
    context.add_init_script(NO_GRACE)
    nurse = visit(noor, conversation.path)
    is_live(nurse)
    with nurse.expect_websocket() as opening:
        nurse.reload()
    is_live(nurse)
    with opening.value.expect_event("close"):
        nurse.evaluate(IN_FRONT, False)
    conversation.reply(ana, "While you looked away.")
    assert lines(nurse) == ["It is swollen."]
    with nurse.expect_websocket():
        nurse.evaluate(IN_FRONT, True)
    is_live(nurse)
    expect(message(nurse, "While you looked away.")).to_be_visible()


def test_away_and_back_in_history_it_is_up_to_date(visit, conversation, ana, noor):
    nurse = visit(noor, conversation.path)
    is_live(nurse)
    nurse.goto(f"{visit.url}/messages/")
    is_live(nurse)
    conversation.reply(ana, "While you read another page.")
    nurse.go_back()
    is_live(nurse)
    expect(message(nurse, "While you read another page.")).to_be_visible()


def test_a_message_sent_over_a_broken_line_exists_once(visit, conversation, server, ana, noor):
    """The server goes while the answer is on its way; the sender presses again."""
    visit.expect_trouble("ERR_", "WebSocket", "htmx:")
    patient = visit(ana, conversation.path)
    is_live(patient)
    patient.locator(".composer textarea").fill("Once, please.")
    sent, answers = [], []

    def lose_first_answer(route):
        if route.request.method == "POST":
            sent.append(route.request)
        if sent == [route.request]:
            answers.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    patient.route(re.compile(r"/messages/(\?|$)"), lose_first_answer)
    patient.get_by_role("button", name="Send").click()
    expect(patient.locator(".toasts")).to_contain_text("We could not reach the server")
    assert answers == [200]
    expect(patient.locator(".composer textarea")).to_have_value("Once, please.")
    patient.get_by_role("button", name="Send").click()
    expect(patient.locator(".composer textarea")).to_have_value("")
    assert len(sent) == 2
    assert conversation.bodies() == ["It is swollen.", "Once, please."]
    expect(patient.locator(".message__body")).to_have_count(2)
    send(patient, "Another.")
