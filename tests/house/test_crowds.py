"""Who asks for many pages at once waits for themselves, and others do not: over a real server."""

import asyncio
import re

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connections

from tests.browser.server import Server
from tests.faults.clients import NOBODY, TOKEN

POOL = 4
HOME, CLINIC = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def server(tmp_path, committed):
    server = Server(tmp_path / "web.log", pool=POOL)
    yield server
    server.stop()


@pytest.fixture
def line(server, client_for):
    """`line(ana, HOME)`: her browser, at that network place."""

    def line(person, place):
        key = client_for(person).cookies[settings.SESSION_COOKIE_NAME].value
        return httpx.AsyncClient(
            base_url=server.url,
            cookies={settings.SESSION_COOKIE_NAME: key, settings.CSRF_COOKIE_NAME: TOKEN},
            headers={"X-Forwarded-For": place, "X-CSRFToken": TOKEN, "Accept": "text/html"},
            verify=NOBODY,
            timeout=60,
        )

    return line


@pytest.fixture
def held(database_urls):
    """Messages, which nobody can read until `held()`."""
    with psycopg.connect(database_urls.superuser) as other:
        other.execute("LOCK TABLE client_portal_conversations IN ACCESS EXCLUSIVE MODE")
        yield other.rollback


def test_one_persons_many_pages_leave_room_for_others(server, line, cast, held):
    at_home, at_work = line(cast.ana, HOME), line(cast.ada, CLINIC)
    connections.close_all()
    server.start()

    async def crowd():
        async with at_home, at_work:
            many = [asyncio.ensure_future(at_home.get("/messages/")) for _ in range(5 * POOL)]
            # Whoever waits for a turn is told so after a while; who has one, waits for messages.
            told, still = await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
            assert {answer.result().status_code for answer in told} == {503}
            assert "Too many are asking at once" in next(iter(told)).result().text
            assert (await at_work.get("/account/")).status_code == 200
            held()
            assert {answer.status_code for answer in await asyncio.gather(*still)} <= {200, 503}
            assert (await at_home.get("/messages/")).status_code == 200

    asyncio.run(crowd())
    assert "Traceback" not in server.last_words()
    counted = httpx.get(f"{server.url}/metrics", verify=NOBODY).text
    assert float(re.search(r"^vigil_pages_turned_away_total (\S+)", counted, re.MULTILINE)[1]) > 0


def test_who_hangs_up_gives_their_turn_back(server, line, cast):
    at_home = line(cast.ana, HOME)
    connections.close_all()
    server.start()

    async def crowd():
        async with at_home:
            for _ in range(10):
                many = [asyncio.ensure_future(at_home.get("/messages/")) for _ in range(2 * POOL)]
                await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
                for one in many:
                    one.cancel()
                await asyncio.gather(*many, return_exceptions=True)
            pages = [at_home.get("/messages/") for _ in range(2 * POOL)]
            assert {answer.status_code for answer in await asyncio.gather(*pages)} == {200}

    asyncio.run(crowd())
    assert "Traceback" not in server.last_words()


def test_strangers_who_try_passwords_do_not_slow_down_the_pages(server, line, cast):
    at_work, at_home = line(cast.ada, CLINIC), line(cast.ana, HOME)
    connections.close_all()
    server.start()

    async def crowd():
        async with at_work, at_home:
            at_home.cookies.delete(settings.SESSION_COOKIE_NAME)
            forms = [
                {"username": f"{number}@nowhere.example", "password": "a wrong one"}
                for number in range(8 * POOL)
            ]
            tries = [asyncio.ensure_future(at_home.post("/sign-in/", data=form)) for form in forms]
            await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
            assert (await at_work.get("/account/")).status_code == 200
            # It came when few of them had been tried, though all had been sent before it.
            assert sum(not each.done() for each in tries) > POOL
            answers = await asyncio.gather(*tries)
            assert {answer.status_code for answer in answers} <= {422, 429, 503}

    asyncio.run(crowd())
