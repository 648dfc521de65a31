"""Django's handler of requests over ASGI, for a world in which not everybody is polite.

It takes in no more of a body than a request may have, makes few pages at once and each in its turn,
holds no connection to the database while somebody reads an answer, and lets go of what a request
held, come what may.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.browsers import address_of
from portal.middleware.tenancy import WITHOUT_TRANSACTION
from portal.page_turns import PageTurns, TurnedAway
from realtime.places import place_of
from realtime.process import running

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

# Half of the process's pages at most for one network place, so that there is room for another.
PAGES_AT_ONCE = settings.DATABASE_POOL or 16
# A password takes as much processor as ten pages, and anybody may try one.
SIGN_IN, SIGN_INS_AT_ONCE = "/sign-in/", 2


class Handler(ASGIHandler):
    """Answers each request, and bounds what it costs others."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = PageTurns(PAGES_AT_ONCE, max(2, PAGES_AT_ONCE // 2))
        self.sign_ins = PageTurns(SIGN_INS_AT_ONCE, SIGN_INS_AT_ONCE // 2)

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Any) -> None:
        """Answer one request. Django would put all of its body on the disk first."""
        await super().handle(scope, _bounded(receive, settings.MAX_BODY_BYTES), send)

    def create_request(self, scope: Mapping[str, Any], body_file: IO[bytes]) -> Any:
        """A body that said nothing of its length has the length that came (see `BodyLimit`)."""
        if not any(name == b"content-length" for name, _ in scope["headers"]):
            length = body_file.seek(0, 2)
            body_file.seek(0)
            if length:
                declared = (b"content-length", str(length).encode())
                scope = {**scope, "headers": [*scope["headers"], declared]}
        return super().create_request(scope, body_file)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Make the answer when its turn has come, and give the connection that it took back.

        Whoever does not read an answer makes us wait as long as they like. With as many connections
        as the pool has they would end the process for everybody.
        """
        if request.path in WITHOUT_TRANSACTION or request.path.startswith(settings.STATIC_URL):
            return await super().run_get_response(request)
        is_sign_in = request.path == SIGN_IN and request.method == "POST"
        turns = self.sign_ins if is_sign_in else self.pages
        try:
            turn = await turns.take(place_of(address_of(request)), _who(request))
        except TurnedAway:
            _count_turned_away()
            request.is_turned_away = True  # type: ignore[attr-defined]
            return await super().run_get_response(request)
        try:
            making = asyncio.ensure_future(super().run_get_response(request))
            try:
                response = await asyncio.shield(making)
            except asyncio.CancelledError:
                # Nobody waits for it any more; but a thread cannot be stopped, and works on.
                await making
                raise
            await sync_to_async(close_old_connections)()
            return response
        finally:
            turns.give_back(turn)

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send it. Raises what the server raises, after the request has ended.

        Django closes what it has sent. An answer that the server refuses (a header that cannot be
        written, a length that is not the body's) would keep what it held, its connection too.
        """
        try:
            await super().send_response(response, send)
        except Exception:
            await sync_to_async(response.close)()
            raise


def _count_turned_away() -> None:
    found = running()
    if found is not None:
        hub, _ = found
        hub.tally.totals.pages_turned_away += 1


def _who(request: HttpRequest) -> str:
    """What they say who they are: whose turn it is follows from it, and nothing else."""
    key: str = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return key or request.headers.get("Authorization", "")


def _bounded(receive: Receive, most: int) -> Receive:
    """`receive` that calls a body of more than `most` bytes over, and takes in nothing more."""
    taken = 0

    async def receive_bounded() -> Mapping[str, Any]:
        nonlocal taken
        if taken > most:
            # The server holds back what still comes, and ends this with the request.
            await asyncio.Event().wait()
        message = await receive()
        taken += len(message.get("body", b""))
        return {**message, "more_body": False} if taken > most else message

    return receive_bounded
