"""Two pooled connections under the requests of two clinics, with errors and callers who hang up.

Row-level security asks the transaction who is reading. If a connection ever carried one reader into
the next one's request, a name of the other clinic would be on a page here.
"""

import asyncio
from random import Random

import httpx
import pytest
from django.conf import settings
from django.db import connections

from tests.browser.server import Server
from tests.faults.clients import NOBODY, TOKEN

REQUESTS = 100
AT_ONCE = 12
NAMES = {"Ana Ruiz", "Ben Cho", "Carla Weiss"}


@pytest.mark.usefixtures("committed")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nobody_is_shown_what_the_last_one_was(tmp_path, client_for, cast):
    readers = [(cast.ada, {"Ana Ruiz"}), (cast.boris, {"Ben Cho"}), (cast.olga, {"Carla Weiss"})]
    cookies = [
        (client_for(who).cookies[settings.SESSION_COOKIE_NAME].value, names)
        for who, names in readers
    ]
    foreign = f"/patients/{cast.carla.patient.pk}/"
    connections.close_all()
    server = Server(tmp_path / "web.log", pool=2)
    server.start()
    try:
        seen = asyncio.run(ask_all(server.url, cookies, foreign))
    finally:
        server.stop()
    shown, hung_up, refused = (
        sum(kind == each for kind, _ in seen) for each in ("page", "gone", "error")
    )
    assert all(is_right for _, is_right in seen)
    assert shown >= REQUESTS // 4
    assert hung_up
    assert refused


async def ask_all(url, cookies, foreign):
    """Everything at once, in an order of the dice; each answer's kind and whether it is right."""
    dice, turn = Random(7), asyncio.Semaphore(AT_ONCE)

    async def ask(kind, cookie, names, patience):
        names_of = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
        pairs = zip(names_of, (cookie, TOKEN), strict=True)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in pairs),
            "X-CSRFToken": TOKEN,
        }
        async with (
            turn,
            httpx.AsyncClient(base_url=url, headers=headers, timeout=60, verify=NOBODY) as line,
        ):
            match kind:
                case "page":
                    text = (await line.get("/patients/")).text
                    return kind, {name for name in NAMES if name in text} == names
                case "gone":
                    try:
                        await line.get("/patients/", timeout=patience)
                    except httpx.TimeoutException:
                        return kind, True
                    return "quick", True
                case _:
                    # Another clinic's patient, and a body that is none: answered with an error.
                    is_own = names == {"Carla Weiss"}
                    answers = [
                        await line.get(foreign),
                        await line.post("/realtime/changes", content=b"{"),
                    ]
                    return "error", [each.status_code for each in answers] == [
                        200 if is_own else 404,
                        422,
                    ]

    asked = []
    for _ in range(REQUESTS):
        cookie, names = dice.choice(cookies)
        kind = dice.choice(["page", "page", "gone", "error"])
        asked.append(ask(kind, cookie, names, dice.uniform(0.001, 0.02)))
    return await asyncio.gather(*asked)
