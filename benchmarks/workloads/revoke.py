"""Revoke: how soon an open page is told that a right of its reader has ended.

One person after another, each with a page open, loses a right by a row, in seven ways. Timed from
just before the statement is sent, its commit included, until the page knows: the socket has closed
where a session, a membership or a person ends, the word came that access changed where the page
stays and loses a patient. All the pages of a way are open meanwhile.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.contestants import EACH, Portal
from benchmarks.crowd import Spread
from benchmarks.ear import HOST, Seat
from benchmarks.population import Visitor
from portal.sessions import digest_of

_PATIENCE_SECONDS = 30.0
_LIVE, _CHANGED = "Subscribed to PostgreSQL", '"access"'
_WHOSE = "SELECT digest AS session, user_id AS user FROM sessions WHERE digest = %s"


@dataclass(frozen=True, slots=True)
class Way:
    """A row that ends a right: whose page it is, and whether its socket closes."""

    statement: str
    of_patient: bool = False
    closes: bool = True


WAYS = {
    "care team": Way(
        "UPDATE care_team_memberships SET ends_at = clock_timestamp() FROM providers"
        " WHERE providers.id = provider_id AND providers.user_id = %(user)s",
        closes=False,
    ),
    "role": Way("UPDATE memberships SET role = 'caregiver' WHERE user_id = %(user)s", closes=False),
    "patient's link": Way(
        "UPDATE patients SET user_id = NULL WHERE user_id = %(user)s", of_patient=True, closes=False
    ),
    "membership": Way("UPDATE memberships SET ended_at = now() WHERE user_id = %(user)s"),
    "deactivated": Way("UPDATE users SET is_active = false WHERE id = %(user)s"),
    "password": Way("UPDATE users SET password = '!another' WHERE id = %(user)s"),
    "sign-out": Way("DELETE FROM sessions WHERE digest = %(session)s"),
}

Figures = dict[str, float | str]


def revoke(
    portal: Portal, clinicians: Sequence[Visitor], patients: Sequence[Visitor], each: int
) -> list[Figures]:
    """Milliseconds for each way, of `each` people; one web process, the relay in it."""
    left = {True: list(patients), False: list(clinicians)}
    found: list[Figures] = []
    portal.start()
    try:
        for name, way in WAYS.items():
            people = left[way.of_patient][:each]
            del left[way.of_patient][:each]
            spread = Spread.of(asyncio.run(_ended(portal, people, way)))
            found.append(
                {
                    "revoke_way": name,
                    "revoke_count": spread.count,
                    **{f"revoke_{at}": getattr(spread, at) for at in ("p50", "p95", "p99")},
                }
            )
    finally:
        portal.stop()
    return found


async def _ended(portal: Portal, people: Sequence[Visitor], way: Way) -> list[int]:
    """Nanoseconds for each person."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(portal.url, autocommit=True, row_factory=dict_row)
        )
        pages = [
            (visitor, await _opened(stack, portal.seat(visitor, EACH), visitor.cookie))
            for visitor in people
        ]
        waits = []
        for visitor, page in pages:
            key = visitor.cookie.partition("=")[2]
            whose = await (await connection.execute(_WHOSE, [digest_of(key)])).fetchone()
            hearing = asyncio.create_task(_told(page, way))
            # The task listens before the statement is sent.
            await asyncio.sleep(0)
            began = time.monotonic_ns()
            await connection.execute(way.statement, whose)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                waits.append(await hearing - began)
        return waits


async def _opened(stack: AsyncExitStack, seat: Seat, cookie: str) -> ClientConnection:
    """A page that has joined and is live."""
    host = f"{HOST}:{seat.ports[0]}"
    page = await stack.enter_async_context(
        connect(
            f"ws://{host}{seat.path}",
            origin=f"http://{host}",
            additional_headers={"Cookie": cookie},
            compression=None,
            ping_interval=None,
            close_timeout=1,
        )
    )
    await page.send(seat.hello)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _until(page, _LIVE)
    return page


async def _told(page: ClientConnection, way: Way) -> int:
    """When the end came. Raises RuntimeError when the page ended in another way than it should."""
    try:
        await _until(page, _CHANGED)
    except ConnectionClosed:
        if not way.closes:
            raise RuntimeError("A page was closed that should have stayed.") from None
        return time.monotonic_ns()
    if way.closes:
        raise RuntimeError("A page stayed that should have been closed.")
    return time.monotonic_ns()


async def _until(page: ClientConnection, text: str) -> None:
    while text not in str(await page.recv()):
        pass
