"""The fallback without a socket: one request, the same matcher, the same events.

    POST /realtime/changes   {"organization", "cursor", "bindings": [{event, schema, table, …}]}
    →  {"cursor", "at", "epoch", "events": [{"ids": [index, …], "data": {…}}], "more", "resync"}

`ids` are the indexes of the bindings in the request. With `resync` true the history cannot be
told: fetch everything and go on from `cursor`. With `more` true there is more already: ask again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from realtime import authority as authorities
from realtime import bindings as binding_rules
from realtime import cursor as cursors
from realtime import protocol, replay
from realtime.authority import Identity
from realtime.bindings import BindingSet
from realtime.cursor import Cursor
from realtime.errors import Refused, SignedOut, Truncated
from realtime.event import RESYNC, Event
from realtime.join import ANOTHER_ORGANIZATION
from realtime.limits import Limits
from realtime.position import position
from realtime.triggers import published

PAGE = 500  # events in one answer


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
        return JsonResponse(_answer(identity, bindings, since))
    except SignedOut:
        return _refusal(401, "Sign in first")


def _answer(identity: Identity, bindings: BindingSet, since: Cursor) -> dict[str, Any]:
    # Taken before the log is read: what is known now is at least as old as this.
    at = datetime.now(UTC).isoformat()
    authority = authorities.configured()
    try:
        page = replay.read(authority, identity, since, bindings.tables, limit=PAGE)
    except Truncated:
        with authority.reading(identity):
            return _answered(position(), at, [], resync=True)
    events: list[dict[str, Any]] = []
    untold = False
    for event in page.events:
        match = bindings.match(event)
        # An order to resync, or a row too large to be judged: the reader has to look.
        untold = untold or match.untold or event.kind == RESYNC
        for select, ids in match.ids:
            told = {"ids": _indexes(bindings, ids), "data": _data(event, page.upto.epoch, select)}
            events.append(told)
    return _answered(str(page.upto), at, events, resync=untold, more=not page.is_last)


def _answered(
    cursor: str, at: str, events: list[dict[str, Any]], *, resync: bool, more: bool = False
) -> dict[str, Any]:
    return {
        "cursor": cursor,
        "epoch": cursor.rpartition(":")[0],
        "at": at,
        "events": events,
        "more": more,
        "resync": resync,
    }


def _indexes(bindings: BindingSet, ids: tuple[int, ...]) -> list[int]:
    met = frozenset(ids)
    return [index for index, each in enumerate(bindings.bindings) if each.id in met]


def _data(event: Event, epoch: str | None, select: frozenset[str] | None) -> Any:
    columns = published()[event.table].columns
    return json.loads(protocol.change_data(event, columns, f"{epoch}:{event.seq}", select))


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


def _refusal(status: int, text: str) -> JsonResponse:
    return JsonResponse({"error": text}, status=status)
