"""Whoever listens to a trace, record by record, and keeps one kind of promise in mind."""

from typing import Any, NamedTuple

PAGE = "realtime:page"


class Broken(AssertionError):
    """A promise was not kept."""


class Cursor(NamedTuple):
    """A place in the log."""

    epoch: str
    seq: int

    @classmethod
    def parse(cls, text):
        epoch, _, seq = text.rpartition(":")
        return cls(epoch, int(seq))


class Frame(NamedTuple):
    """A frame of the wire."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: dict[str, Any]

    @property
    def position(self):
        """The cursor it announces, or None."""
        if self.event == "system" and self.payload["extension"] == "position":
            return self.payload["message"]
        return self._response.get("position")

    @property
    def at(self):
        """The server's moment of that position."""
        return self.payload.get("at") or self._response.get("at")

    @property
    def bindings(self):
        """What a join asks for: table to the position from which on."""
        asked = self.payload["config"]["postgres_changes"]
        return {each["table"]: Cursor.parse(each["since"]) for each in asked}

    @property
    def is_resync(self):
        return self.event == "system" and self.payload["extension"] in ("resync", "access")

    def answers(self, ref, status):
        """Whether it is the reply to the join `ref`, and says so."""
        is_reply = self.event == "phx_reply" and self.topic == PAGE
        return is_reply and self.ref == ref and self.payload["status"] == status

    @property
    def _response(self):
        return self.payload.get("response", {}) if self.topic == "phoenix" else {}


class Ear:
    """Which words of the server say how things stand: a new moment, on a channel that stands."""

    def __init__(self):
        self._asked = self._joined = self._moment = None

    def open(self):
        """A new socket: nothing stands on it yet."""
        self._asked = self._joined = None

    def sent(self, frame):
        if frame.event == "phx_join":
            self._asked = frame.ref

    def got(self, frame):
        """What the frame is for the page: "joined", "refused", "heard", or nothing of these."""
        if frame.answers(self._asked, "ok"):
            self._joined = self._asked
            return "joined"
        if frame.answers(self._asked, "error"):
            return "refused"
        # Between a join and its answer a pulse says nothing of what is being joined.
        counts = frame.topic == PAGE or self._joined == self._asked
        if frame.position is None or not self._joined or not counts or frame.at == self._moment:
            return None
        self._moment = frame.at
        return "heard"


class Witness:
    """Has a method for each kind of record that it minds."""

    place = 0  # of the record, in the trace
    time = 0.0  # of the record, in milliseconds of the world

    def hear(self, place, time, what, *rest):
        self.place, self.time = place, time
        if method := getattr(self, what.replace(" ", "_"), None):
            method(*rest)


def promise(kept, *otherwise):
    """Raise Broken unless kept."""
    if not kept:
        raise Broken(" ".join(map(str, otherwise)))
