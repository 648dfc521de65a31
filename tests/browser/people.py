"""What people do on a page, and a conversation they have."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django.db import connections
from playwright.sync_api import Locator, Page, expect

from portal.identifiers import uuid7


def is_live(page: Page, timeout: float = 60_000) -> None:
    """Wait until the page hears from the server."""
    stands(page, "live", timeout)


def stands(page: Page, standing: str, timeout: float = 60_000) -> None:
    """Wait until the page says how it stands."""
    page.wait_for_selector(f"html[data-connection={standing}]", state="attached", timeout=timeout)


def eventually(page: Page, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Let the page run until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"This did not come to pass: {what}"
        page.wait_for_timeout(50)


def send(page: Page, words: str) -> None:
    """Write into the composer and send; return when the page shows it."""
    page.locator(".composer textarea").fill(words)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message__body", has_text=words).last).to_be_visible()
    expect(page.locator(".composer textarea")).to_have_value("")


def visit_of(patient, *, with_whom, starts_at: datetime, acting):
    """A visit of twenty minutes that a clinician books with themselves."""
    from appointments.actions import book_visit

    with acting(with_whom):
        return book_visit(
            patient.patient.pk,
            kind="Wound check",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=20),
            provider_id=with_whom.provider.pk,
            by=with_whom.reader,
        )


def message(page: Page, words: str) -> Locator:
    """The message with these words."""
    return page.locator(".message__body", has_text=words)


def lines(page: Page) -> list[str]:
    """The messages that a page shows, from the first to the last."""
    return page.locator(".message__body").all_inner_texts()


class Talk:
    """A conversation about Ana, written to behind the back of every page."""

    def __init__(self, acting: Callable[..., AbstractContextManager[None]], starter) -> None:
        from messaging.actions import start_conversation
        from messaging.models import Category

        self._acting = acting
        self._starter = starter
        with acting(starter):
            first = start_conversation(
                starter.patient.pk,
                category=Category.PAIN,
                subject="My knee",
                body="It is swollen.",
                key=uuid7(),
                by=starter.reader,
            )
        self.pk = first.conversation_id
        self.path = f"/messages/{self.pk}/"

    def reply(self, person, body: str) -> None:
        """Somebody writes, from wherever they are; in a thread this closes its connection."""
        from messaging.actions import reply

        try:
            with self._acting(person):
                reply(self.pk, body=body, key=uuid7(), by=person.reader)
        finally:
            connections.close_all()

    def bodies(self) -> list[str]:
        """What is written, in order, as the starter may read it."""
        from messaging.models import Message

        with self._acting(self._starter):
            messages = Message.objects.filter(conversation_id=self.pk).order_by("sent_at", "pk")
            return [message.body for message in messages]
