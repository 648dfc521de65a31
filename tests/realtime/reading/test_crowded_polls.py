"""Many polls at once: whose turn it is, who waits, who is refused; and what one of them costs."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings as configured
from django.db import connections
from django.test import Client

from realtime import polling
from realtime.errors import PollRefused
from realtime.limits import Limits
from realtime.turns import Turns
from tests.realtime.reading.wire import Inbox, number
from tests.waiting import PATIENCE_SECONDS, wait_until

VITALS = {"event": "*", "schema": "public", "table": "vital_signs"}

# The application's sessions; of them those that stand before the log, which is locked.
SESSIONS = """
    SELECT count(*) AS all, count(*) FILTER (WHERE wait_event_type = 'Lock') AS reading
    FROM pg_stat_activity WHERE datname = current_database() AND usename = %s
"""


class Tab(threading.Thread):
    """One poll of one open page."""

    def __init__(self, cookie, **asked):
        super().__init__(daemon=True)
        self.client = Client()
        self.client.cookies[configured.SESSION_COOKIE_NAME] = cookie
        self.asked = {"cursor": ":0", "bindings": [VITALS]} | asked
        self.answer = None
        self.start()

    def run(self):
        try:
            self.answer = self.client.post(
                "/realtime/changes", self.asked, content_type="application/json"
            )
        finally:
            connections.close_all()

    @property
    def status(self):
        """Of the answer, once it is there."""
        self.join(PATIENCE_SECONDS)
        return self.answer.status_code


@pytest.fixture
def tab(committed, cookie_of):
    """`tab(ana)`: a page of hers asks; another one each time."""
    cookies, tabs = {}, []

    def tab(person, **asked):
        cookie = cookies.get(person.user.pk) or cookies.setdefault(
            person.user.pk, cookie_of(person)
        )
        connections.close_all()
        tabs.append(Tab(cookie, **asked))
        return tabs[-1]

    yield tab
    for each in tabs:
        each.join(PATIENCE_SECONDS)


@pytest.fixture
def stuck(database_urls):
    """`with stuck():` whoever reads the log is in the middle of it."""

    @contextmanager
    def stuck():
        with psycopg.connect(database_urls.superuser) as connection:
            connection.execute("LOCK TABLE realtime_events IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    return stuck


@pytest.fixture
def sessions(superuser):
    """`sessions()`: how many the application has, and how many of them read the log."""
    return lambda: tuple(superuser.execute(SESSIONS, [configured.APP_ROLE]).fetchone().values())


def test_a_person_reads_twice_at_once_and_waits_without_a_connection(
    tab, stuck, sessions, settings, ana, ben
):
    settings.REALTIME_LIMITS = {"poll_wait_seconds": PATIENCE_SECONDS}
    turns = polling._turns(Limits.configured())
    with stuck():
        tabs = [tab(ana) for _ in range(10)]
        wait_until(lambda: len(turns._under_way) == 10)
        wait_until(lambda: sessions() == (2, 2))
        # Who comes last reads before her third.
        tabs.append(tab(ben))
        wait_until(lambda: sessions() == (3, 3))
        assert not any(each.answer for each in tabs)
    assert {each.status for each in tabs} == {200}
    wait_until(lambda: not turns._under_way)


def test_polls_leave_connections_to_the_pages(tab, stuck, sessions, settings, cast):
    settings.REALTIME_LIMITS = {"poll_wait_seconds": PATIENCE_SECONDS}
    turns = polling._turns(Limits.configured())
    with stuck():
        tabs = [tab(who) for who in (cast.ana, cast.ben, cast.ada, cast.boris) for _ in range(2)]
        wait_until(lambda: len(turns._under_way) == 8)
        wait_until(lambda: sessions() == (4, 4))
    assert {each.status for each in tabs} == {200}


def test_one_too_many_is_told_when_to_come_back(tab, stuck, sessions, settings, ana, ben):
    settings.REALTIME_LIMITS = {"polls_per_user": 3, "poll_wait_seconds": PATIENCE_SECONDS}
    turns = polling._turns(Limits.configured())
    with stuck():
        tabs = [tab(ana) for _ in range(3)]
        wait_until(lambda: len(turns._under_way) == 3)
        refused = tab(ana)
        assert refused.status == 429
        assert refused.answer.headers["Retry-After"] == "15"
        assert refused.answer.json() == {"error": "Too many polls: at most 3 per user"}
        tabs.append(tab(ben))
        wait_until(lambda: sessions() == (3, 3))
    assert {each.status for each in [*tabs, tab(ana)]} == {200}


def test_who_waits_in_vain_is_told_when_to_come_back(tab, stuck, sessions, settings, ana):
    settings.REALTIME_LIMITS = {"polls_reading_per_user": 1, "poll_wait_seconds": 0.1}
    with stuck():
        first = tab(ana)
        wait_until(lambda: sessions() == (1, 1))
        second = tab(ana)
        assert second.status == 503
        assert second.answer.headers["Retry-After"] == "10"
    assert first.status == 200
    assert tab(ana).status == 200


def test_ten_tabs_of_one_person_are_never_refused(tab, ana):
    for _ in range(3):
        tabs = [tab(ana) for _ in range(10)]
        assert [each.status for each in tabs] == [200] * 10


def test_a_full_process_refuses_everybody_and_empties_again():
    turns = Turns(Limits(polls_per_process=2))
    with turns.of("ana"), turns.of("ben"):
        with pytest.raises(PollRefused) as raised, turns.of("ada"):
            pass
        assert (raised.value.status, raised.value.retry_after) == (503, 10)
    with turns.of("ada"):
        pass


def test_turns_are_given_in_the_order_of_asking():
    turns = Turns(Limits(polls_reading_per_process=1, poll_wait_seconds=PATIENCE_SECONDS))
    came, threads = [], []

    def read(name):
        with turns.of(name):
            came.append(name)

    with turns.of("ada"):
        for count, name in enumerate(("ana", "ben", "ana", "noor"), start=2):
            threads.append(threading.Thread(target=read, args=[name], daemon=True))
            threads[-1].start()
            wait_until(lambda count=count: len(turns._under_way) == count)
    for each in threads:
        each.join(PATIENCE_SECONDS)
    assert came == ["ana", "ben", "ana", "noor"]


@pytest.mark.usefixtures("relay")
def test_an_old_cursor_is_walked_in_pieces(tab, superuser, settings, ana, ben, clinic):
    """Also by somebody of whom nothing is told: what others had is walked through all the same."""
    inbox = Inbox(superuser)
    before = inbox.head()
    for _ in range(7):
        inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    head = inbox.head()
    settings.REALTIME_LIMITS = {"polled_positions": 3}
    for who, told in ((ana, 7), (ben, 0)):
        cursor, events, reached = before, 0, [number(before)]
        while number(cursor) < number(head):
            poll = tab(who, cursor=cursor)
            assert poll.status == 200
            answer = poll.answer.json()
            cursor, events = answer["cursor"], events + len(answer["events"])
            reached.append(number(cursor))
            assert reached[-1] - reached[-2] <= 3
            assert answer["more"] or reached[-1] >= number(head)
        assert events == told
        assert len(reached) > 2
