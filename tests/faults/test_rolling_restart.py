"""Both web processes are restarted behind nginx, twice over, while people work: nobody notices.

As docs/runbook.md says, step by step. Pages are asked for, measurements are sent and polls are made
all the while, through the distribution's own nginx with the words of docs/deployment/nginx.conf.
"""

import asyncio
import ssl
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest
from django.db import connections

from tests.api.fhir import PATH, heart_rate
from tests.faults import evidence
from tests.faults.clients import TOKEN, Page, end_all
from tests.faults.facts import Heard
from tests.faults.plant import asking
from tests.proxied import NAME, Proxied
from tests.waiting import wait_until

ROUNDS = 2
PAGES_OF_EACH = 4
# Between two requests of one caller: fifteen to twenty requests a second of all of them.
PAUSE_SECONDS = 0.2
# With INSECURE_HTTP off.
SESSION, CSRF = "__Host-vigil-session", "__Host-vigil-csrf"


@dataclass
class Traffic:
    """What is asked of the site, and how it is answered."""

    site: str
    trust: ssl.SSLContext
    cookies: dict[str, str]
    key: str
    statuses: Counter = field(default_factory=Counter)
    stored: list[str] = field(default_factory=list)  # ids of measurements that were answered for
    in_hand: set[int] = field(default_factory=set)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0

    async def gets(self, path):
        await self._again_and_again(lambda line: line.get(path), "GET")

    async def polls(self, cursor):
        binding = {"event": "*", "schema": "public", "table": "vital_signs"}
        body = {"cursor": cursor, "bindings": [binding]}
        headers = {"X-CSRFToken": TOKEN, "Origin": self.site.rstrip("/")}
        await self._again_and_again(
            lambda line: line.post("realtime/changes", json=body, headers=headers), "poll"
        )

    async def sends(self):
        def send(line):
            body = heart_rate(number=str(len(self.stored)))
            return line.post(PATH, json=body, headers={"Authorization": f"Bearer {self.key}"})

        await self._again_and_again(send, "send")

    async def _again_and_again(self, ask, kind):
        # No connection is used twice: a browser repeats what meets one that nginx has just closed.
        limits = httpx.Limits(max_keepalive_connections=0)
        cookies = {} if kind == "send" else self.cookies
        async with httpx.AsyncClient(
            base_url=self.site, verify=self.trust, cookies=cookies, limits=limits, timeout=60
        ) as line:
            while not self.end.is_set():
                self._number += 1
                number = self._number
                self.in_hand.add(number)
                try:
                    answer = await ask(line)
                    self.statuses[kind, answer.status_code] += 1
                    if kind == "send" and answer.status_code == 201:
                        self.stored.append(answer.json()["id"])
                except httpx.HTTPError as error:
                    self.statuses[kind, type(error).__name__] += 1
                finally:
                    self.in_hand.discard(number)
                await asyncio.sleep(PAUSE_SECONDS)

    async def passes(self):
        """Wait until everything is answered that is being asked now."""
        now = set(self.in_hand)
        async with asyncio.timeout(60):
            while self.in_hand & now:
                await asyncio.sleep(0.01)


@pytest.fixture
def proxied(nginx, certificate, tmp_path, committed, database_urls):
    proxied = Proxied(nginx, tmp_path, certificate, database_urls.environment())
    try:
        proxied.start()
        yield proxied
    finally:
        proxied.stop()


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nobody_notices_a_rolling_restart(
    proxied, certificate, database_urls, client_for, program_for, cast
):
    ask = asking(database_urls.superuser)
    # The first leader gives a copied database a log of its own.
    wait_until(lambda: evidence.settled(ask))
    since = evidence.cursor(ask)
    trust = ssl.create_default_context(cafile=certificate / "fullchain.pem")
    keys = {
        name: client_for(getattr(cast, name)).cookies["vigil_session"].value
        for name in ("ana", "ada", "ben")
    }
    gateway = program_for(cast.admin, "observations:write")
    connections.close_all()
    pages = [
        Page(
            name=f"page {number} of {name}",
            user="",
            cookies={SESSION: key},
            ports=[proxied.port],
            cursor=since,
            dice=Random(number),
            host=NAME,
            trust=trust,
        )
        for name, key in keys.items()
        for number in range(PAGES_OF_EACH)
    ]
    traffic = Traffic(proxied.site, trust, {SESSION: keys["ada"], CSRF: TOKEN}, gateway.key)
    asyncio.run(live_through(proxied, traffic, pages, ask, since))

    assert set(traffic.statuses) == {("GET", 200), ("poll", 200), ("send", 201)}, (
        traffic.statuses, proxied.last_words(),
    )  # fmt: skip
    assert min(traffic.statuses.values()) > ROUNDS
    written = [event.fact for event in evidence.events(ask, evidence.settled(ask)[1])]
    assert [row for row, _ in written] == traffic.stored
    for page in pages:
        heard = [each.fact for each in page.heard if isinstance(each, Heard)]
        assert heard == ([] if "ben" in page.name else written), page.name
        # Both processes were restarted twice, and a page was on one of them.
        assert sum(page.ends.values()) >= ROUNDS, page.name


async def live_through(proxied, traffic, pages, ask, since):
    """Restart each web process, ROUNDS times, in the midst of it; until every page knows all."""
    reading = [asyncio.create_task(page.run()) for page in pages]
    asking = [
        asyncio.create_task(work)
        for work in (
            traffic.gets("account/"),
            traffic.gets("patients/"),
            traffic.polls(since),
            traffic.sends(),
        )
    ]

    async def everybody_knows():
        found = await asyncio.to_thread(evidence.settled, ask)
        async with asyncio.timeout(60):
            while not found or any(page.seq < found[1] for page in pages):
                await asyncio.sleep(0.05)
                found = found or await asyncio.to_thread(evidence.settled, ask)

    try:
        await everybody_knows()
        for number in [0, 1] * ROUNDS:
            await asyncio.to_thread(proxied.take_out, number)
            await traffic.passes()
            await asyncio.to_thread(proxied.restart, number)
            await asyncio.to_thread(proxied.put_back)
            await everybody_knows()
        # Nothing is broken off: what was answered for is to be compared with what is there.
        traffic.end.set()
        await asyncio.gather(*asking)
        await everybody_knows()
    finally:
        await end_all([*asking, *reading])
