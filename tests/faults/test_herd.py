"""A web process is killed under all its sockets: all come back, and none has missed anything."""

import asyncio
import signal
from random import Random

import pytest
from django.conf import settings
from django.db import connections

from tests.browser.server import Server
from tests.faults import evidence
from tests.faults.clients import Page, complain, end_all
from tests.faults.facts import Heard
from tests.faults.plant import asking
from tests.faults.writers import Line, Writer
from tests.waiting import wait_until

# Sixteen is the limit for one session, thirty-two for one person.
SESSIONS, EACH_SESSION = 2, 5
WRITTEN = 20
# Of the web process, the relay inside it, and the writer.
MOST_CONNECTIONS = 20


@pytest.mark.usefixtures("committed")
@pytest.mark.timeout(400)
# What was cut off is collected whenever, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_herd_comes_back_and_has_missed_nothing(tmp_path, database_urls, client_for, cast):
    ask = asking(database_urls.superuser)
    # Four who may read about Ana, and three who may not.
    members = [cast.ana, cast.ada, cast.noor, cast.sam, cast.ben, cast.boris, cast.admin]
    cookies = [
        client_for(person).cookies[settings.SESSION_COOKIE_NAME].value
        for person in members
        for _ in range(SESSIONS)
    ]
    connections.close_all()
    patient = {"id": str(cast.ana.patient.pk), "organization": str(cast.clinic.pk)}
    writer = Writer(1, database_urls.application, [patient], Random(1), pause=0)
    server = Server(tmp_path / "web.log")
    server.start()
    try:
        # The first leader gives a copied database a log of its own.
        wait_until(lambda: evidence.settled(ask), 30)
        pages = [
            Page(
                name=f"page {number}",
                user="",
                cookies={settings.SESSION_COOKIE_NAME: cookie},
                ports=[server.port],
                cursor=evidence.cursor(ask),
                dice=Random(number),
            )
            for number, cookie in enumerate(EACH_SESSION * cookies)
        ]
        held = asyncio.run(live_through(pages, writer, server, ask))
    finally:
        server.stop(signal.SIGKILL)

    told = [[each.fact for each in page.heard if isinstance(each, Heard)] for page in pages]
    _, head = evidence.settled(ask)
    written = [event.fact for event in evidence.events(ask, head)]
    assert len(written) >= 2 * WRITTEN
    entitled = 4 * SESSIONS
    for number, heard in enumerate(told):
        assert heard == (written if number % len(cookies) < entitled else [])
    assert held <= MOST_CONNECTIONS


async def live_through(pages, writer, server, ask):
    """Write, kill, write, start again; return how many connections to the database were held."""
    line = Line(writer.url)
    reading = [asyncio.create_task(page.run()) for page in pages]
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    held = []

    async def everybody_knows():
        async with asyncio.timeout(150):
            found = None
            while not found or any(page.seq < found[1] for page in pages):
                complain(reading)
                found = await asyncio.to_thread(evidence.settled, ask)
                held.append((await asyncio.to_thread(ask, query))[0]["n"])
                await asyncio.sleep(0.1)

    async def write():
        for _ in range(WRITTEN):
            await writer.write(line)

    try:
        await write()
        await everybody_knows()
        server.stop(signal.SIGKILL)
        await write()
        await asyncio.to_thread(server.start)
        await everybody_knows()
    finally:
        await end_all(reading)
        await line.close()
    # One of them is this look.
    return max(held) - 1
