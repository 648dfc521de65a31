"""Django's handler of requests over ASGI, which lets go of what a request held, come what may."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http.response import HttpResponseBase


class Handler(ASGIHandler):
    """Closes an answer that could not be sent, too.

    Django closes what it has sent. An answer that the server refuses (a header that cannot be
    written, a length that is not the body's) would keep its connection to the database, and as many
    of them as the pool has would end the process for everybody.
    """

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send it. Raises what the server raises, after the request has ended."""
        try:
            await super().send_response(response, send)
        except Exception:
            await sync_to_async(response.close)()
            raise
