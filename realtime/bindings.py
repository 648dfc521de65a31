"""What a channel asked to hear: validated, numbered, and asked of each event.

A binding names an event, a table and a filter; who may hear the event at all is not its business
(that is the reader's grants). Everything is checked at the join against what is published, so that
a channel that was answered "ok" is one that works.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from realtime import filters, protocol
from realtime.cursor import Cursor
from realtime.cursor import parse as parse_cursor
from realtime.errors import InvalidFilter, Refused
from realtime.event import Event
from realtime.filters import Filter, Verdict

EVERY = "*"
_OPERATIONS = ("INSERT", "UPDATE", "DELETE")
_SCHEMA = "public"

# Always told, whatever `select` leaves out: without its key a change cannot be applied.
_KEY = "id"

Selection = frozenset[str] | None


class Table(Protocol):
    """What the bindings need to know of a published table."""

    @property
    def columns(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Match:
    """How an event meets a channel: the bindings by number, for each selection of columns.

    `untold` means that a filter could not be judged, because the row was too large to travel.
    """

    ids: tuple[tuple[Selection, tuple[int, ...]], ...] = ()
    untold: bool = False

    def __bool__(self) -> bool:
        return self.untold or bool(self.ids)


NO_MATCH = Match()


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of a join's `postgres_changes`."""

    id: int
    operation: str
    filters: Mapping[str, Filter]  # by table
    select: Selection
    since: Cursor | None
    request: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The binding as asked for, whatever cursor it began from."""
        asked = {name: value for name, value in self.request.items() if name != "since"}
        return json.dumps([self.id, asked], sort_keys=True)

    def judge(self, event: Event) -> Verdict:
        """Whether an event on one of the binding's tables is asked for."""
        if self.operation not in (EVERY, event.operation):
            return Verdict.FAILS
        condition = self.filters[event.table]
        if not condition.conditions:
            return Verdict.HOLDS
        record = event.old_record if event.operation == "DELETE" else event.record
        return condition.judge(record or {})


class BindingSet:
    """The bindings of one channel."""

    def __init__(self, bindings: Sequence[Binding]) -> None:
        self.bindings = tuple(bindings)
        self._of = {
            table: _OfTable(table, [each for each in bindings if table in each.filters])
            for each in bindings
            for table in each.filters
        }
        self.tables = frozenset(self._of)
        # Equal keys ask for the same: the frames of their channels are equal bytes.
        self.key = tuple(each.key for each in bindings)

    @property
    def since(self) -> Cursor | None:
        """The earliest cursor that a binding begins from; None when all begin now."""
        cursors = [each.since for each in self.bindings if each.since is not None]
        return min(cursors, key=lambda cursor: cursor.seq, default=None)

    @property
    def epochs(self) -> frozenset[str]:
        """The logs that the bindings' cursors name."""
        named = (each.since.epoch for each in self.bindings if each.since is not None)
        return frozenset(epoch for epoch in named if epoch is not None)

    def echo(self) -> list[dict[str, Any]]:
        """The bindings as the join reply lists them: as requested, in order, with their ids."""
        return [{**each.request, "id": each.id} for each in self.bindings]

    def audited(self) -> list[dict[str, str]]:
        """The bindings as the audit keeps them."""
        return [
            {
                "event": each.operation,
                "schema": _SCHEMA,
                "table": table,
                "filter": str(each.request.get("filter") or ""),
            }
            for each in self.bindings
            for table in sorted(each.filters)
        ]

    def match(self, event: Event, *, history: bool = False) -> Match:
        """Which bindings the event meets; in `history`, only those whose cursor lies before it."""
        of_table = self._of.get(event.table)
        return NO_MATCH if of_table is None else of_table.match(event, history=history)


class _OfTable:
    """The bindings of a channel that name one table."""

    __slots__ = ("_all_since", "_bindings", "_is_plain", "_met", "_since")

    def __init__(self, table: str, bindings: Sequence[Binding]) -> None:
        self._bindings = tuple(bindings)
        self._since = [math.inf if each.since is None else each.since.seq for each in bindings]
        self._all_since = max(self._since)
        # Without a filter, every change of the table by the same operation meets the same ones.
        self._is_plain = not any(each.filters[table].conditions for each in bindings)
        self._met: dict[str, Match] = {}

    def match(self, event: Event, *, history: bool) -> Match:
        if history and event.seq <= self._all_since:
            began = zip(self._bindings, self._since, strict=True)
            return _match(event, [each for each, since in began if since < event.seq])
        if not self._is_plain:
            return _match(event, self._bindings)
        match = self._met.get(event.operation)
        if match is None:
            match = self._met[event.operation] = _match(event, self._bindings)
        return match


def _match(event: Event, bindings: Iterable[Binding]) -> Match:
    groups: dict[Selection, list[int]] = {}
    untold = False
    for each in bindings:
        verdict = each.judge(event)
        if verdict is Verdict.HOLDS:
            groups.setdefault(each.select, []).append(each.id)
        elif verdict is Verdict.UNTOLD:
            untold = True
    if not groups and not untold:
        return NO_MATCH
    ids = tuple((select, tuple(dict.fromkeys(found))) for select, found in groups.items())
    return Match(ids, untold)


def parse(
    requests: Sequence[object],
    tables: Mapping[str, Table],
    *,
    epoch: str | None = None,
    most: int = 100,
) -> BindingSet:
    """Check the `postgres_changes` of a join against the published tables.

    `epoch` is that of cursors that are bare numbers. Raises Refused, with a reason for the
    developer of the client; a table that is not published and one that does not exist are the same.
    """
    if len(requests) > most:
        raise Refused("BindingRateLimitReached", f"Too many bindings: at most {most} per channel")
    objects: list[Mapping[str, Any]] = []
    for request in requests:
        if not isinstance(request, dict) or not _is_shallow(request):
            raise Refused("RealtimeDisabledForConfiguration", "A binding is a flat object")
        objects.append(request)
    ids = protocol.binding_ids(objects)
    return BindingSet(
        [
            _binding(number, request, tables, epoch)
            for number, request in zip(ids, objects, strict=True)
        ]
    )


def _is_shallow(value: object, levels: int = 8) -> bool:
    """Whether a value can be written as JSON again without exhausting the stack."""
    if isinstance(value, dict):
        return levels > 0 and all(_is_shallow(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_is_shallow(each, levels - 1) for each in value)
    return True


def _binding(
    number: int, request: Mapping[str, Any], tables: Mapping[str, Table], epoch: str | None
) -> Binding:
    try:
        schema, table = _text(request, "schema"), _text(request, "table")
        if schema is None and table is None:
            raise Refused("RealtimeDisabledForConfiguration", "No subscription params provided")
        chosen = _chosen(schema or _SCHEMA, table or EVERY, tables)
        return Binding(
            id=number,
            operation=_operation(request.get("event")),
            filters=_filters(_text(request, "filter") or "", chosen),
            select=_select(request.get("select"), schema, table, chosen),
            since=_since(request.get("since"), epoch),
            request=request,
        )
    except Refused as refusal:
        raise Refused(
            refusal.code,
            "Unable to subscribe to changes with given parameters. Please check Realtime is "
            f"enabled for the given connect parameters: [{_described(request)}]. {refusal.text}",
        ) from None


def _text(request: Mapping[str, Any], key: str) -> str | None:
    value = request.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Refused("RealtimeDisabledForConfiguration", f"{key} is a string")


def _operation(value: object) -> str:
    upper = value.upper() if isinstance(value, str) else EVERY
    return upper if upper in _OPERATIONS else EVERY


def _chosen(schema: str, table: str, tables: Mapping[str, Table]) -> dict[str, Table]:
    found: dict[str, Table] = {}
    if schema in (_SCHEMA, EVERY):
        found = (
            dict(tables)
            if table == EVERY
            else {name: tables[name] for name in (table,) if name in tables}
        )
    if not found:
        raise Refused("RealtimeDisabledForConfiguration", "No published table has this name")
    return found


def _filters(text: str, chosen: Mapping[str, Table]) -> dict[str, Filter]:
    compiled: dict[str, Filter] = {}
    refused: InvalidFilter | None = None
    for name, table in chosen.items():
        try:
            compiled[name] = filters.parse(text, table.columns)
        except InvalidFilter as error:
            # Under a wildcard the filter picks the tables that have its columns.
            refused = error
    if not compiled and refused is not None:
        raise refused
    return compiled


def _select(
    value: object, schema: str | None, table: str | None, chosen: Mapping[str, Table]
) -> Selection:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Refused("RealtimeDisabledForConfiguration", "Error parsing `select` params")
    if schema in (None, EVERY) or table in (None, EVERY):
        raise Refused(
            "RealtimeDisabledForConfiguration",
            "Column selection is not supported for wildcard subscriptions",
        )
    (columns,) = (each.columns for each in chosen.values())
    for name in value:
        if name not in columns:
            raise Refused("RealtimeDisabledForConfiguration", f"invalid column for select {name}")
    return frozenset(value) | {_KEY}


def _since(value: object, epoch: str | None) -> Cursor | None:
    if value is None:
        return None
    try:
        return parse_cursor(value, epoch)
    except ValueError:
        raise Refused("InvalidCursor", "since is a position: epoch:seq") from None


def _described(request: Mapping[str, Any]) -> str:
    keys = ("event", "schema", "table", "filter", "select")
    return ", ".join(f"{key}: {request[key]}" for key in keys if request.get(key) is not None)
