"""The wire: Supabase Realtime over Phoenix channels, versions 1.0.0 and 2.0.0.

The only module that knows what frames look like. Pure: text in, `Frame` out, and back; whether a
frame may be answered, and with what, is decided elsewhere. In the words of Phoenix: a
*reply* answers a ref, a *push* answers nothing, a *join* opens a channel on a topic.

What Vigil adds, all of it invisible to the official clients: a binding may carry `since` (a
position, see `realtime.cursor`); `data.position` on every change; `response.position` and
`response.at` on heartbeat replies; and `system` pushes with the extensions below.

    position   {"message": "<position>", "at": iso}   all up to here has been sent; `at` is when the
                                                      server last knew that to be everything
    resync     {"message": reason}                    something cannot be told: fetch all again
    access     {"message": reason}                    the reader's rights changed: fetch all again
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from realtime.errors import Malformed
from realtime.event import Event

PHOENIX = "phoenix"
TOPIC_PREFIX = "realtime:"

JOIN, LEAVE, REPLY, CLOSE, ERROR = "phx_join", "phx_leave", "phx_reply", "phx_close", "phx_error"
HEARTBEAT, ACCESS_TOKEN, SYSTEM, CHANGES = "heartbeat", "access_token", "system", "postgres_changes"
BROADCAST = "broadcast"

SUBSCRIBED = "Subscribed to PostgreSQL"
UNMATCHED_TOPIC = "unmatched topic"

# Ids above 2^27 - 1 never leave the reference server; id 0 never fires in either official client.
_IDS = 134_217_727

Ref = str | int | None

# `dumps` of a text, without the way there.
_quoted = json.encoder.encode_basestring_ascii


@dataclass(frozen=True, slots=True)
class Frame:
    """`[join_ref, ref, topic, event, payload]`, whichever version it travelled in."""

    join_ref: Ref
    ref: Ref
    topic: str
    event: str
    payload: Any = field(default_factory=dict)

    @property
    def user_topic(self) -> str:
        """The topic as its owner named it, without the prefix of the wire."""
        return self.topic.removeprefix(TOPIC_PREFIX)


class Codec(Protocol):
    """One version of the wire."""

    vsn: str

    def decode(self, data: str | bytes) -> Frame:
        """Read a client's frame. Raises Malformed, and nothing else, whatever the bytes."""

    def encode(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: str) -> str:
        """Write a server's frame around a payload that is JSON text already."""


class V1:
    """Text frames that are JSON objects. Pushes carry `"ref":null`: the Python client drops a
    message without the key. There is no join_ref towards the client."""

    vsn = "1.0.0"

    def decode(self, data: str | bytes) -> Frame:
        if isinstance(data, bytes):
            raise Malformed("binary frames belong to 2.0.0")
        message = _parsed(data)
        if not isinstance(message, dict):
            raise Malformed("not an object")
        try:
            topic, event, ref = message["topic"], message["event"], message["ref"]
        except KeyError as missing:
            raise Malformed(f"no {missing}") from None
        return _frame(message.get("join_ref"), ref, topic, event, message.get("payload"))

    def encode(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: str) -> str:
        return (
            f'{{"topic":{json.dumps(topic)},"event":"{event}","payload":{payload},'
            f'"ref":{json.dumps(ref)}}}'
        )


class V2:
    """Text frames that are JSON arrays; broadcasts may come as binary frames of kind 3."""

    vsn = "2.0.0"

    def decode(self, data: str | bytes) -> Frame:
        if isinstance(data, bytes):
            return _user_broadcast_push(data)
        message = _parsed(data)
        if not isinstance(message, list) or len(message) < 5:
            raise Malformed("not an array of five")
        return _frame(*message[:5])

    def encode(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: str) -> str:
        return f'[{json.dumps(join_ref)},{json.dumps(ref)},{json.dumps(topic)},"{event}",{payload}]'


def codec_for(vsn: str | None) -> Codec | None:
    """The codec for the `vsn` of the handshake (absent means 1.0.0); None for an unknown one."""
    if vsn is None or re.fullmatch(r"1\.0\.\d+", vsn):
        return V1()
    if re.fullmatch(r"2\.0\.\d+", vsn):
        return V2()
    return None


def _parsed(data: str) -> object:
    try:
        return json.loads(data, parse_constant=_refused_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(type(error).__name__) from None


def _refused_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _frame(join_ref: object, ref: object, topic: object, event: object, payload: object) -> Frame:
    if not isinstance(topic, str) or not isinstance(event, str):
        raise Malformed("topic and event are strings")
    return Frame(_ref(join_ref), _ref(ref), topic, event, payload)


def _ref(value: object) -> Ref:
    # The clients send strings; others send numbers, and get back what they sent.
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Malformed("a ref is a string or null")


def _user_broadcast_push(data: bytes) -> Frame:
    """Read a kind-3 frame: seven header bytes, five names, and the rest is the payload."""
    if len(data) < 7 or data[0] != 3:
        raise Malformed("not a broadcast push")
    lengths, is_json = data[1:6], data[6] == 1
    names: list[str] = []
    start = 7
    for length in lengths:
        if start + length > len(data):
            raise Malformed("shorter than its header says")
        try:
            names.append(data[start : start + length].decode())
        except UnicodeDecodeError:
            raise Malformed("not UTF-8") from None
        start += length
    join_ref, ref, topic, user_event, _metadata = names
    rest = data[start:]
    try:
        content = _parsed(rest.decode()) if is_json else rest
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    payload = {"type": BROADCAST, "event": user_event, "payload": content}
    return Frame(join_ref or None, ref or None, topic, BROADCAST, payload)


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """What a `phx_join` asks for, as far as it could be understood."""

    bindings: tuple[object, ...] = ()
    private: bool = False
    organization: str | None = None
    epoch: str | None = None


def join_config(payload: object) -> JoinConfig:
    """Read the payload of a join. Unknown keys are ignored, absent sections take defaults."""
    config = payload.get("config") if isinstance(payload, dict) else None
    if not isinstance(config, dict):
        return JoinConfig()
    changes = config.get("postgres_changes")
    bindings = changes if isinstance(changes, list) else []
    private = config.get("private")
    return JoinConfig(
        bindings=tuple(binding for binding in bindings if binding is not None),
        private=private is True or (isinstance(private, str) and private.lower() == "true"),
        organization=_text_or_none(config.get("organization")),
        epoch=_text_or_none(config.get("epoch")),
    )


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def binding_ids(requests: Iterable[Mapping[str, Any]]) -> list[int]:
    """A number for each binding: the same for equal parameters, on every server, for ever.

    `since` is not a parameter of what is asked for, only of where it begins. Two different
    bindings of one channel whose numbers collide are told apart by counting up.
    """
    ids: list[int] = []
    taken: dict[int, str] = {}
    for request in requests:
        parameters = {key: value for key, value in request.items() if key != "since"}
        text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
        number = 1 + zlib.crc32(text.encode()) % _IDS
        while taken.setdefault(number, text) != text:
            number = 1 + number % _IDS
        ids.append(number)
    return ids


def reply(codec: Codec, frame: Frame, response: Mapping[str, Any], *, status: str = "ok") -> str:
    """Answer a frame under its own refs."""
    payload = json.dumps({"status": status, "response": response}, separators=(",", ":"))
    return codec.encode(frame.join_ref, frame.ref, frame.topic, REPLY, payload)


def refusal(codec: Codec, frame: Frame, reason: str) -> str:
    """Answer a frame with an error and its reason."""
    return reply(codec, frame, {"reason": reason}, status="error")


def close(codec: Codec, topic: str, join_ref: Ref) -> str:
    """Tell a client that its channel is over; the clients do not rejoin after it."""
    return codec.encode(join_ref, join_ref, topic, CLOSE, "{}")


def error(codec: Codec, topic: str, join_ref: Ref, reason: str) -> str:
    """Tell a client that its channel broke; the clients rejoin after a second."""
    payload = json.dumps({"reason": reason})
    return codec.encode(join_ref, join_ref, topic, ERROR, payload)


def system(
    codec: Codec,
    topic: str,
    join_ref: Ref,
    extension: str,
    message: str,
    *,
    status: str = "ok",
    **extra: str,
) -> str:
    """Push a `system` message, as the extensions on top of this module describe."""
    payload = {
        "extension": extension,
        "status": status,
        "message": message,
        "channel": topic.removeprefix(TOPIC_PREFIX),
        **extra,
    }
    text = json.dumps(payload, separators=(",", ":"))
    return codec.encode(join_ref, None, topic, SYSTEM, text)


class Envelope:
    """Changes pushed to one topic: what is the same around all of them is written once."""

    __slots__ = ("_after", "_before", "_ids", "_opening")

    def __init__(self, codec: Codec, topic: str) -> None:
        # NUL cannot occur around it: JSON writes it as an escape.
        before, _, after = codec.encode(None, None, topic, CHANGES, "\0").partition("\0")
        self._before, self._after = f'{before}{{"ids":[', f"}}{after}"
        self._ids: tuple[int, ...] | None = None
        self._opening = ""

    def change(self, ids: tuple[int, ...], data: str) -> str:
        """Push a change: `ids` are the bindings that it meets, `data` is from a `Layout`."""
        # Most changes meet what the last one met: the same object.
        if ids is not self._ids:
            self._ids = ids
            self._opening = f'{self._before}{",".join(map(str, ids))}],"data":'
        return f"{self._opening}{data}{self._after}"


class Layout:
    """The `data` of a table's changes: what is the same in all of them is written once.

    `columns` are the published columns and their types, in order; `select` restricts them.
    """

    __slots__ = ("_columns", "_select", "_table")

    def __init__(
        self, table: str, columns: Mapping[str, str], select: frozenset[str] | None = None
    ) -> None:
        described = [
            {"name": name, "type": kind}
            for name, kind in columns.items()
            if select is None or name in select
        ]
        self._select = select
        self._table = f'{{"schema":"public","table":{json.dumps(table)},"type":"'
        self._columns = f'","columns":{json.dumps(described, separators=(",", ":"))},"errors":null'

    def data(self, event: Event, position: str) -> str:
        """The `data` of a change as JSON text: the same for every audience of the event."""
        operation = event.operation
        text = (
            f'{self._table}{operation}","commit_timestamp":"{event.commit_timestamp}'
            f'{self._columns},"position":{_quoted(position)}'
        )
        if operation != "DELETE":
            text += f',"record":{self._chosen(event, is_old=False)}'
        if operation != "INSERT":
            text += f',"old_record":{self._chosen(event, is_old=True)}'
        return text + "}"

    def _chosen(self, event: Event, *, is_old: bool) -> str:
        if self._select is None:
            return (event.old_record_text if is_old else event.record_text) or "{}"
        return _chosen(event.old_record if is_old else event.record, self._select) or "{}"


def _chosen(record: Mapping[str, Any] | None, select: frozenset[str]) -> str | None:
    if record is None:
        return None
    chosen = (
        f"{json.dumps(name)}:{_value(value)}" for name, value in record.items() if name in select
    )
    return "{" + ",".join(chosen) + "}"


def _value(value: object) -> str:
    # A Decimal goes out with the digits it came with, which a float would not keep.
    return str(value) if isinstance(value, Decimal) else json.dumps(value, default=float)
