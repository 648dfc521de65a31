"""Frames of events, encoded once for all channels that would get the same bytes.

Two channels that speak the same version, have the same name and the same bindings are one
*audience*, however many sockets they are on: what an event means to it is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from weakref import WeakValueDictionary

from realtime import protocol
from realtime.bindings import NO_MATCH, BindingSet, Match, Selection, Table
from realtime.event import Event
from realtime.line import Encoded
from realtime.protocol import Codec, Layout

UNTOLD = "the change is too large to tell"

_MOST_LAYOUTS = 1_000  # that are kept


class Source(Protocol):
    """Where the events come from."""

    @property
    def epoch(self) -> str | None: ...


class Matcher:
    """A set of bindings, asked once about each event for all channels that have an equal one."""

    __slots__ = ("__weakref__", "_bindings", "_event", "_match")

    def __init__(self, bindings: BindingSet) -> None:
        self._bindings = bindings
        self._event: Event | None = None
        self._match = NO_MATCH

    def match(self, event: Event) -> Match:
        """How a live event meets the bindings."""
        # By identity: another log gives the same numbers to other events.
        if event is not self._event:
            self._match = self._bindings.match(event)
            self._event = event
        return self._match


class Audience:
    """The channels of one version, name and set of bindings."""

    __slots__ = (
        "__weakref__",
        "_codec",
        "_envelope",
        "_event",
        "_last",
        "_matcher",
        "_press",
        "topic",
    )

    def __init__(self, press: Press, codec: Codec, topic: str, matcher: Matcher) -> None:
        self._press = press
        self._codec = codec
        self._matcher = matcher
        self._envelope = protocol.Envelope(codec, topic)
        self.topic = topic
        self._event: Event | None = None
        self._last: tuple[Encoded, ...] = ()

    def frames(self, event: Event) -> tuple[Encoded, ...]:
        """What to send of a live event; the next channel of the audience gets the same objects."""
        if event is not self._event:
            frames: list[Encoded] = []
            self._encode(event, self._matcher.match(event), frames)
            self._last = tuple(frames)
            self._event = event
        return self._last

    def history(self, events: Sequence[Event], bindings: BindingSet) -> list[Encoded]:
        """What to send of events of the past, to bindings that each begin at their own cursor."""
        frames: list[Encoded] = []
        for event in events:
            self._encode(event, bindings.match(event, history=True), frames)
        return frames

    def _encode(self, event: Event, match: Match, frames: list[Encoded]) -> None:
        for select, ids in match.ids:
            data = self._press.data(event, select)
            frames.append(Encoded(self._envelope.change(ids, data)))
        if match.untold:
            text = protocol.system(self._codec, self.topic, None, "resync", UNTOLD)
            frames.append(Encoded(text))


class Press:
    """All audiences of this process, and the data of events that they share."""

    def __init__(self, source: Source, tables: Mapping[str, Table]) -> None:
        self._source = source
        self._tables = tables
        self._matchers: WeakValueDictionary[object, Matcher] = WeakValueDictionary()
        self._audiences: WeakValueDictionary[object, Audience] = WeakValueDictionary()
        self._layouts: dict[tuple[str, Selection], Layout] = {}

    def audience(self, codec: Codec, topic: str, bindings: BindingSet) -> Audience:
        """The audience that a channel belongs to."""
        key = (codec.vsn, topic, bindings.key)
        found = self._audiences.get(key)
        if found is None:
            matcher = self._matchers.get(bindings.key)
            if matcher is None:
                matcher = self._matchers[bindings.key] = Matcher(bindings)
            found = self._audiences[key] = Audience(self, codec, topic, matcher)
        return found

    def __len__(self) -> int:
        return len(self._audiences)

    def data(self, event: Event, select: Selection = None) -> str:
        """The `data` of an event as JSON text, kept with the event."""
        text = event.data.get(select)
        if text is None:
            layout = self._layouts.get((event.table, select)) or self._layout(event.table, select)
            position = f"{self._source.epoch}:{event.seq}"
            text = event.data[select] = layout.data(event, position)
        return text

    def _layout(self, table: str, select: Selection) -> Layout:
        layout = Layout(table, self._tables[table].columns, select)
        # Pages may think up as many selections as they like.
        if len(self._layouts) < _MOST_LAYOUTS:
            self._layouts[table, select] = layout
        return layout
