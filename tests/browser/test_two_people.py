"""A patient and a nurse in two browsers: what one writes, the other sees, at once and in order."""

import re
import threading
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import eventually, is_live, lines, message, send


def test_each_sees_what_the_other_writes_without_reloading(visit, conversation, ana, noor):
    patient, nurse = visit(ana, conversation.path), visit(noor, conversation.path)
    is_live(patient), is_live(nurse)
    half_written = nurse.locator(".composer textarea")
    half_written.fill("Please put")

    send(patient, "It is warm too.")
    expect(message(nurse, "It is warm too.")).to_be_visible()
    expect(half_written).to_have_value("Please put")

    half_written.fill("Please put it up.")
    nurse.get_by_role("button", name="Send").click()
    # The other page may have it before the sender's own has its answer.
    for page in (patient, nurse):
        expect(page.locator(".message__body")).to_have_text(
            ["It is swollen.", "It is warm too.", "Please put it up."]
        )


def test_the_sender_sees_it_sent_then_seen(visit, conversation, ana, noor):
    patient = visit(ana, conversation.path)
    is_live(patient)
    last = patient.locator(".message").last
    send(patient, "Can I shower?")
    expect(last).to_contain_text("Can I shower?")
    expect(last).not_to_contain_text("Seen")
    visit(noor, conversation.path)
    expect(last).to_contain_text("Seen by Noor Haddad")


def test_that_one_has_read_it_oneself_is_fetched_by_nobody_but_the_others(
    visit, conversation, ana, noor
):
    patient, nurse = visit(ana, conversation.path), visit(noor, conversation.path)
    is_live(patient), is_live(nurse)
    expect(patient.locator(".message").last).to_contain_text("Seen by Noor Haddad")
    asked = []
    patient.on("request", lambda request: asked.append(request.url))
    send(nurse, "Put it up.")
    expect(message(patient, "Put it up.")).to_be_visible()
    # The nurse's page hears that Ana has read it, through the same stream as Ana's own.
    expect(nurse.locator(".message").last).to_contain_text("Seen by Ana Ruiz")
    expect(patient.locator("read-marker")).to_have_count(0)
    send(nurse, "And cool it.")
    expect(message(patient, "And cool it.")).to_be_visible()
    assert len([url for url in asked if f"{conversation.path}messages/" in url]) == 2


def test_many_at_once_arrive_all_in_order_and_once(visit, conversation, ana, ada, noor):
    """Two people write as fast as they can; three pages are open."""
    # A busy machine may answer a refresh after its ten seconds: the region asks again by itself.
    visit.expect_trouble("htmx:afterRequest", "htmx:timeout")
    pages = [visit(person, conversation.path) for person in (ana, noor, ada)]
    for page in pages:
        is_live(page)
    writers = [
        threading.Thread(
            target=lambda person=person, words=words: [
                conversation.reply(person, f"{words} {number}") for number in range(30)
            ]
        )
        for person, words in ((ana, "from Ana"), (noor, "from Noor"))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    written = conversation.bodies()
    assert len(written) == 61
    # The page shows the newest fifty; what counts is that it ends as the conversation does.
    for page in pages:
        expect(page.locator(".message__body").last).to_have_text(written[-1])
        shown = lines(page)
        assert shown == written[-len(shown) :]
        assert max(Counter(shown).values()) == 1
        assert len(shown) >= 50


def test_typed_quickly_each_message_exists_once(visit, conversation, ana, noor):
    patient, nurse = visit(ana, conversation.path), visit(noor, conversation.path)
    is_live(patient), is_live(nurse)
    for number in range(1, 9):
        send(patient, f"ping {number}")
        send(nurse, f"pong {number}")
    expected = Counter(
        ["It is swollen."] + [f"{word} {n}" for word in ("ping", "pong") for n in range(1, 9)]
    )
    for page in (patient, nurse):
        expect(page.locator(".message__body")).to_have_count(17)
        assert Counter(lines(page)) == expected
    assert lines(patient) == lines(nurse) == conversation.bodies()


@pytest.mark.parametrize("path", ["/messages/", "/dashboard/", "/notifications/"])
def test_a_page_that_heard_of_it_equals_one_that_is_loaded_now(
    visit, conversation, ana, noor, path
):
    heard = visit(noor, path)
    is_live(heard)
    before = heard.locator("main").inner_text()
    conversation.reply(ana, "It is worse today.")
    expect(heard.locator("main")).not_to_have_text(before)
    loaded = visit(noor, path)
    is_live(loaded)
    eventually(heard, lambda: _words(heard) == _words(loaded), "both say the same")


def test_the_bell_counts_without_reloading(visit, conversation, ana, noor):
    patient = visit(ana, "/home/")
    is_live(patient)
    bell = patient.get_by_role("button", name=re.compile("Notifications"))
    expect(bell).not_to_contain_text("not read")
    conversation.reply(noor, "How is it today?")
    expect(bell).to_contain_text("1 not read")


def _words(page: Page) -> str:
    """Everything on the page but the times at which it was looked at."""
    words = page.locator("body").inner_text().replace(page.locator("live-badge").inner_text(), "")
    return re.sub(r"\d\d:\d\d:\d\d", "now", words)
