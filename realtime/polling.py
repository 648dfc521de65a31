"""The fallback without a socket: one request, the same matcher, the same events.

    POST /realtime/changes   {"organization", "cursor", "bindings": [{event, schema, table, …}]}
    →  {"cursor", "at", "epoch", "events": [{"ids": [index, …], "data": {…}}], "more", "resync"}

`ids` are the indexes of the bindings in the request. With `resync` true the history cannot be
told: fetch everything and go on from `cursor`. With `more` true there is more already: ask again,
also when there was no event. 429, 500 and 503 say in `Retry-After` when to ask again.

The view stands outside of the request's transaction: it reads in transactions of the reader's own,
and holds no connection while it waits for its turn.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from realtime import authority as authorities
from realtime import bindings as binding_rules
from realtime import cursor as cursors
from realtime import replay
from realtime.audience import Press
from realtime.authority import Identity
from realtime.bindings import BindingSet
from realtime.cursor import Cursor
from realtime.errors import PollRefused, Refused, SignedOut, Truncated
from realtime.event import RESYNC
from realtime.join import ANOTHER_ORGANIZATION
from realtime.limits import Limits
from realtime.log import stands_still
from realtime.position import position
from realtime.process import running
from realtime.replay import Page
from realtime.triggers import published
from realtime.turns import Turns

logger = logging.getLogger(__name__)

PAGE = 500  # events in one answer

# When to ask again after a mistake of ours, which will most likely be met again.
MISTAKE_SECONDS = 10

# How often a page asks that has no socket: `poll` in static/js/realtime/connection.js.
EVERY_SECONDS = 5.0


@never_cache
@csrf_protect
@require_POST
def changes(request: HttpRequest) -> HttpResponse:
    """What happened to these bindings since the cursor, for whoever the cookie says it is."""
    limits = Limits.configured()
    identity = authorities.configured().identify(_scope(request))
    if identity is None:
        return _refusal(401, "Sign in first")
    # Read one byte more than may be there, whatever the length is said to be.
    body = request.read(limits.frame_bytes + 1)
    if len(body) > limits.frame_bytes:
        return _refusal(413, "The body is too large")
    try:
        asked = json.loads(body)
        if asked.get("organization") not in (None, identity.organization_id):
            return _refusal(409, ANOTHER_ORGANIZATION)
        since = cursors.parse(asked.get("cursor"))
        requests = asked["bindings"]
        if not isinstance(requests, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _refusal(422, "The body is {organization, cursor, bindings}")
    try:
        bindings = binding_rules.parse(requests, published(), most=limits.bindings_per_channel)
    except Refused as refused:
        return _refusal(422, refused.reason)
    try:
        with _turns(limits).of(identity.user_id):
            answer = _answer(identity, bindings, since, limits.polled_positions)
    except SignedOut:
        return _refusal(401, "Sign in first")
    except PollRefused as refused:
        _count(refused.status)
        return _refusal(refused.status, refused.text, refused.retry_after)
    except Error:
        # A database that is away, or busy: said to every page alike, by whoever is around us.
        raise
    except Exception:
        # A mistake of ours: the page asks again, from where it stands, and says that it is behind.
        logger.exception("A poll failed.")
        _count(500)
        return _refusal(500, "Unknown Error", MISTAKE_SECONDS)
    if not answer["more"]:
        _count(200)
    return JsonResponse(answer)


@lru_cache(maxsize=1)
def _turns(limits: Limits) -> Turns:
    return Turns(limits)


def _count(status: int) -> None:
    """Have the hub of this process count it, on its own event loop."""
    if (found := running()) is not None:
        hub, loop = found
        # The loop of a server that ends may be closed already.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(hub.tally.polled, status)


def _answer(identity: Identity, bindings: BindingSet, since: Cursor, reach: int) -> dict[str, Any]:
    authority = authorities.configured()
    with authority.reading(identity):
        # Taken before the log is read: what is known then is at least as old as this, and a relay
        # that comes back afterwards has not moved what was read.
        moment, silence = _asked("SELECT statement_timestamp(), realtime_silence()")
        at, is_fresh = moment.isoformat(), not stands_still(silence)
    try:
        page = replay.read(authority, identity, since, bindings.tables, limit=PAGE, reach=reach)
        events, untold = _told(page, bindings)
    except Truncated:
        with authority.reading(identity):
            here = position()
        return _answered(here, at, [], resync=True, fresh=is_fresh)
    with authority.reading(identity):
        (rights_changed,) = _asked(
            "SELECT realtime_rights_changed(%s, %s, %s)",
            identity.user_id,
            since.seq,
            page.upto.seq,
        )
    return _answered(
        str(page.upto),
        at,
        events,
        resync=untold or rights_changed,
        more=not page.is_last,
        fresh=is_fresh,
    )


def _told(page: Page, bindings: BindingSet) -> tuple[list[dict[str, Any]], bool]:
    """The events of a page of history that are asked for; whether there is more, not to be told.

    Raises Truncated when a mistake of ours keeps it from being told.
    """
    press = Press(page.upto, published())
    events: list[dict[str, Any]] = []
    untold = False
    try:
        for event in page.events:
            match = bindings.match(event)
            # An order to resync, or a row too large to be judged: the reader has to look.
            untold = untold or match.untold or event.kind == RESYNC
            for select, ids in match.ids:
                data = json.loads(press.data(event, select))
                events.append({"ids": _indexes(bindings, ids), "data": data})
    except Exception as error:
        # The same cursor would meet it again, each time: the page has to look, and go on behind it.
        logger.exception("A history could not be told.")
        raise Truncated("the history could not be told") from error
    return events, untold


def _asked(question: str, *values: str | int) -> tuple[Any, ...]:
    """The one row that answers a question to the database."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(question, values)
        answer: tuple[Any, ...] = cursor.fetchone()
    return answer


def _answered(
    cursor: str,
    at: str,
    events: list[dict[str, Any]],
    *,
    resync: bool,
    more: bool = False,
    fresh: bool = True,
) -> dict[str, Any]:
    return {
        "cursor": cursor,
        "epoch": cursor.rpartition(":")[0],
        "at": at,
        # False: this is all there is, but nothing new could have got here.
        "fresh": fresh,
        "events": events,
        "more": more,
        "resync": resync,
    }


def _indexes(bindings: BindingSet, ids: tuple[int, ...]) -> list[int]:
    met = frozenset(ids)
    return [index for index, each in enumerate(bindings.bindings) if each.id in met]


def _scope(request: HttpRequest) -> MappingProxyType[str, Any]:
    # What an authority is promised, also when the server speaks WSGI.
    return MappingProxyType(
        {
            "type": "http",
            "path": request.path,
            "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
            "headers": [(b"cookie", request.META.get("HTTP_COOKIE", "").encode("latin-1"))],
        }
    )


def _refusal(status: int, text: str, retry_after: int | None = None) -> JsonResponse:
    response = JsonResponse({"error": text}, status=status)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response
