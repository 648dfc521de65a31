"""Sessions end, on a real server: what counts as a person, the warning, and what was typed."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import expect

from portal.models import Session, User
from tests.browser.people import eventually, is_live, send, stands
from tests.cast import PASSWORD

# What a page fetches of a new message besides its words.
BY_ITSELF = {"/messages/unread/", "/notifications/bell/count/"}
SLOW_HASHER = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def quiet_for(acting):
    """`quiet_for(ana, 29)`: as if Ana had touched nothing for 29 minutes."""

    def quiet_for(person, minutes):
        with acting(person):
            Session.objects.filter(user=person.user).update(
                last_active_at=timezone.now() - timedelta(minutes=minutes)
            )

    return quiet_for


@pytest.fixture
def silence(acting):
    """`silence(ana)`: how long the server thinks that Ana has been quiet."""

    def silence(person):
        with acting(person):
            return timezone.now() - Session.objects.get(user=person.user).last_active_at

    return silence


@pytest.fixture
def ana_with_password(server, ana):
    """Ana, whose password the server's own process can check."""
    was = ana.user.password
    with override_settings(PASSWORD_HASHERS=SLOW_HASHER):
        ana.user.set_password(PASSWORD)
    User.objects.using("owner").filter(pk=ana.user.pk).update(password=ana.user.password)
    yield ana
    ana.user.password = was


def test_what_the_page_does_by_itself_is_no_sign_of_a_person(
    visit, conversation, quiet_for, silence, ana, noor
):
    page = visit(ana, conversation.path)
    is_live(page)
    page.wait_for_load_state("networkidle")
    quiet_for(ana, 5)
    answered = set()
    page.on("requestfinished", lambda request: answered.add(urlsplit(request.url).path))
    conversation.reply(noor, "How is it today?")
    expect(page.get_by_text("How is it today?")).to_be_visible()
    eventually(page, lambda: answered >= BY_ITSELF, "it counts what is new")
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.evaluate("fetch('/session/')")
    assert silence(ana) > timedelta(minutes=5)
    send(page, "Better.")
    assert silence(ana) < timedelta(minutes=1)


def test_asked_a_minute_before_the_end_and_staying(visit, quiet_for, silence, ana):
    context = visit.context(ana, visit.url)
    page = context.new_page()
    page.clock.install()
    page.goto(f"{visit.url}/home/")
    is_live(page)
    dialog = page.get_by_role("dialog", name="Are you still there?")
    page.wait_for_load_state("networkidle")
    quiet_for(ana, 29.2)
    page.clock.fast_forward("29:12")
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Stay signed in").press("Enter")
    expect(dialog).not_to_be_visible()
    assert silence(ana) < timedelta(minutes=10)


def test_nobody_answers_in_two_tabs(visit, conversation, quiet_for, ana):
    visit.expect_trouble("401", "WebSocket")
    pages = [visit(ana, conversation.path), visit(ana, "/home/")]
    for page in pages:
        is_live(page)
    quiet_for(ana, 31)
    # Each hears it from its socket; nobody has to ask.
    for page in pages:
        stands(page, "signed-out", 45_000)
        expect(page.locator("h1")).to_have_text("You are signed out")
        assert "My knee" not in page.content()


def test_what_was_typed_is_given_back_after_signing_in_again(
    visit, conversation, ana_with_password, acting
):
    visit.expect_trouble("401", "WebSocket")
    ana = ana_with_password
    page = visit(ana, conversation.path)
    is_live(page)
    box = page.locator(".composer textarea")
    with page.expect_response("**/account/kept-text/"):
        box.fill("It began on Monday, and")
    with acting(ana):
        Session.objects.filter(user=ana.user).delete()
    stands(page, "signed-out")
    assert "Monday" not in page.content()
    assert "Monday" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")

    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("E-mail").fill(ana.user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{visit.url}{conversation.path}")
    expect(box).to_have_value("It began on Monday, and")


def test_what_was_sent_is_not_given_back(visit, conversation, ana):
    page = visit(ana, conversation.path)
    is_live(page)
    with page.expect_response("**/account/kept-text/"):
        page.locator(".composer textarea").fill("It began on Monday.")
    sent = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    send(page, "It began on Monday.")
    eventually(page, lambda: any('"text":""' in body for body in sent), "the text is forgotten")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/account/kept-text/?**"):
        page.reload()
    expect(page.locator(".composer textarea")).to_have_value("")


def test_a_plain_form_that_arrived_is_not_given_back_either(visit, server, ana):
    """Writing a first message leaves the page: whether it arrived is known on the next one."""
    page = visit(ana, "/messages/new/")
    is_live(page)
    page.locator("input[data-keep]").fill("My knee")
    with page.expect_response("**/account/kept-text/"):
        page.locator("textarea[data-keep]").fill("It is swollen.")
    page.get_by_label("Pain or how I feel").check()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message__body")).to_have_text("It is swollen.")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/account/kept-text/?**"):
        page.goto(f"{visit.url}/messages/new/")
    expect(page.locator("textarea[data-keep]")).to_have_value("")
