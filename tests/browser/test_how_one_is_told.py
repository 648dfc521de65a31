"""Choosing how one is told, in a real browser: what is ticked is kept, and the worker may start."""

import pytest
from playwright.sync_api import expect

from tests.browser.people import is_live

PAGE = "/account/notifications/"


@pytest.fixture(scope="module", autouse=True)
def mail_server():
    """The server of this module knows one; without, e-mail is no choice. Nothing is sent here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMAIL_HOST", "127.0.0.1")
        yield


def test_what_is_ticked_is_kept(visit, ana):
    page = visit(ana, PAGE)
    is_live(page)
    by_mail = page.get_by_role("group", name="A change in the care team").get_by_label("E-mail")
    expect(by_mail).not_to_be_checked()
    by_mail.check()
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_label("Quiet until").fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toasts")).to_contain_text("Saved.")
    expect(by_mail).to_be_checked()
    expect(page.get_by_label("Quiet until")).to_have_value("07:00")


def test_the_worker_has_its_say_over_every_page(visit, ana):
    """The policy of content lets it start, and it is served from above all of them."""
    page = visit(ana, PAGE)
    scope = page.evaluate(
        "navigator.serviceWorker.register('/service-worker.js').then(() =>"
        " navigator.serviceWorker.ready).then(({ scope }) => scope)"
    )
    assert scope == f"{visit.url}/"
