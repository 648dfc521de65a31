"""The wire: what frames of both versions mean, and that no bytes break the reading of them."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import protocol
from realtime.errors import Malformed
from realtime.event import Event
from realtime.protocol import V1, V2, Envelope, Frame, Layout, binding_ids, codec_for, join_config

JOIN = {"config": {"postgres_changes": [{"event": "*", "schema": "public", "table": "patients"}]}}
# As captured from realtime-js 2.119 (protocol.md 2.3).
BINARY_PUSH = bytes.fromhex(
    "0301010e04000136377265616c74696d653a726f6f6d3170696e677b226e223a312c2275223a22c3a9227d"
)


def an_event(**values):
    return Event(
        **{
            "seq": 7,
            "topics": ("patient:1",),
            "table": "vital_signs",
            "operation": "INSERT",
            "created_at": datetime(2026, 1, 1, 0, 0, 0, 123_999, tzinfo=UTC),
            "record": '{"id": 1, "value": 1.10}',
        }
        | values
    )


@pytest.mark.parametrize(
    ("vsn", "spoken"),
    [
        (None, "1.0.0"),
        ("1.0.0", "1.0.0"),
        ("1.0.7", "1.0.0"),
        ("2.0.0", "2.0.0"),
        ("3.0.0", None),
        ("2.1.0", None),
        ("", None),
        ("2.0.0\n", None),
    ],
)
def test_the_version_of_the_handshake_chooses_the_codec(vsn, spoken):
    codec = codec_for(vsn)
    assert (codec.vsn if codec else None) == spoken


def test_both_versions_read_the_same_join():
    as_object = {"topic": "realtime:a", "event": "phx_join", "payload": JOIN, "ref": "6"}
    first = V1().decode(json.dumps({**as_object, "join_ref": "6"}))
    second = V2().decode(json.dumps(["6", "6", "realtime:a", "phx_join", JOIN, "more", 1]))
    assert first == second == Frame("6", "6", "realtime:a", "phx_join", JOIN)
    assert first.user_topic == "a"


def test_the_python_clients_heartbeat_has_no_ref_and_gets_none_back():
    text = '{"event":"heartbeat","payload":{},"topic":"phoenix","ref":null,"join_ref":null}'
    frame = V1().decode(text)
    answer = json.loads(protocol.reply(V1(), frame, {}))
    assert answer == {
        "topic": "phoenix",
        "event": "phx_reply",
        "payload": {"status": "ok", "response": {}},
        "ref": None,
    }


@pytest.mark.parametrize(
    "data",
    [
        "",
        "null",
        "{",
        "[]",
        "[1,2,3,4]",
        '["1","1",5,"phx_join",{}]',
        '["1",true,"realtime:a","phx_join",{}]',
        '["1","1","realtime:a",null,{}]',
        '["1","1","realtime:a","x",NaN]',
        "[" * 16_000,
        '{"a":' * 3_000,
        "9" * 5_000,
        b"",
        b"\x03",
        b"\x04\x01\x01\x01\x01\x01\x01abc",
        b"\x03\xff\xff\xff\xff\xff\x01abc",
        b"\x03\x00\x00\x02\x00\x00\x01\xff\xfe{}",
        b"\x03\x00\x00\x01\x00\x00\x01t\xff",
    ],
)
def test_what_is_no_frame_of_2_is_malformed(data):
    with pytest.raises(Malformed):
        V2().decode(data)


@pytest.mark.parametrize(
    "data",
    [
        "[]",
        "{}",
        '{"topic":"a","event":"b","payload":{}}',  # no ref
        '{"topic":1,"event":"b","ref":null}',
        '{"topic":"a","event":"b","ref":[]}',
        BINARY_PUSH,
    ],
)
def test_what_is_no_frame_of_1_is_malformed(data):
    with pytest.raises(Malformed):
        V1().decode(data)


@given(st.one_of(st.text(), st.binary()))
def test_no_bytes_raise_anything_but_malformed(data):
    for codec in (V1(), V2()):
        with contextlib.suppress(Malformed):
            codec.decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
)


@given(JSON)
def test_no_payload_breaks_the_reading_of_a_join(payload):
    config = join_config(payload)
    assert isinstance(config.bindings, tuple)
    assert config.private in (True, False)


@given(st.text(max_size=20), st.text(max_size=20), JSON)
def test_a_reply_echoes_any_topic_and_ref_exactly(topic, ref, response):
    frame = Frame("1", ref, topic, "x")
    answer = json.loads(protocol.reply(V2(), frame, {"echo": response}))
    assert answer[:4] == ["1", ref, topic, "phx_reply"]
    assert answer[4]["response"]["echo"] == response
    assert set(json.loads(protocol.reply(V1(), frame, {}))) == {"topic", "event", "payload", "ref"}


def test_a_binary_broadcast_is_read_as_the_client_wrote_it():
    frame = V2().decode(BINARY_PUSH)
    assert frame == Frame(
        "6",
        "7",
        "realtime:room1",
        "broadcast",
        {"type": "broadcast", "event": "ping", "payload": {"n": 1, "u": "é"}},
    )


def test_a_join_takes_what_it_understands_and_defaults_for_the_rest():
    config = join_config(
        {
            "config": {
                "broadcast": None,
                "presence": {"key": 7},
                "private": "TRUE",
                "postgres_changes": [None, {"event": "*"}, 5],
                "organization": "o",
                "unheard_of": {},
            }
        }
    )
    assert config.bindings == ({"event": "*"}, 5)
    assert config.private is True
    assert config.organization == "o"
    assert join_config({"config": {"postgres_changes": {}}}).bindings == ()
    assert join_config({"config": 1}) == join_config(None) == join_config({})


def test_equal_bindings_have_equal_ids_wherever_they_begin():
    a = {"event": "*", "schema": "public", "table": "a"}
    first, second, third = binding_ids([a, {**a, "since": "e:4"}, {**a, "table": "b"}])
    assert first == second != third
    assert binding_ids([dict(reversed(a.items()))]) == [first]


@given(st.lists(st.dictionaries(st.sampled_from(["table", "filter", "since"]), st.text())))
def test_ids_are_above_zero_and_below_two_to_the_27(requests):
    # Id 0 never fires in either official client.
    assert all(1 <= each < 2**27 for each in binding_ids(requests))


def test_a_change_is_told_as_the_clients_expect():
    columns = {"id": "int8", "value": "numeric"}
    data = Layout("vital_signs", columns).data(an_event(), "e:7")
    frame = json.loads(Envelope(V2(), "realtime:a").change((4, 9), data))
    assert frame[:4] == [None, None, "realtime:a", "postgres_changes"]
    assert frame[4] == {
        "ids": [4, 9],
        "data": {
            "schema": "public",
            "table": "vital_signs",
            "type": "INSERT",
            "commit_timestamp": "2026-01-01T00:00:00.123Z",
            "columns": [{"name": "id", "type": "int8"}, {"name": "value", "type": "numeric"}],
            "errors": None,
            "position": "e:7",
            "record": {"id": 1, "value": 1.1},
        },
    }
    # realtime-py drops a push without the key.
    assert json.loads(Envelope(V1(), "a").change((4,), data))["ref"] is None


@given(st.text())
def test_any_topic_may_stand_in_an_envelope(topic):
    frame = json.loads(Envelope(V2(), topic).change((1,), '"data"'))
    assert frame == [None, None, topic, "postgres_changes", {"ids": [1], "data": "data"}]


def test_numbers_leave_with_the_digits_they_came_with():
    exact = '{"id": 9007199254740993, "value": 0.10000000000000000000000000001}'
    event = an_event(record=exact)
    whole = Layout("vital_signs", {"id": "int8", "value": "numeric"}).data(event, "e:1")
    chosen = Layout("vital_signs", {"id": "int8"}, frozenset({"id", "value"})).data(event, "e:1")
    for text in (whole, chosen):
        assert "9007199254740993" in text
        assert "0.10000000000000000000000000001" in text


@pytest.mark.parametrize(
    ("operation", "has_record", "has_old"),
    [("INSERT", True, False), ("UPDATE", True, True), ("DELETE", False, True)],
)
def test_each_operation_tells_the_rows_it_has(operation, has_record, has_old):
    event = an_event(operation=operation, old_record={"id": 1})
    data = json.loads(Layout("vital_signs", {"id": "int8"}).data(event, "e:7"))
    assert ("record" in data, "old_record" in data) == (has_record, has_old)


def test_the_end_of_a_channel_names_its_join():
    assert json.loads(protocol.close(V2(), "realtime:a", "6")) == [
        "6",
        "6",
        "realtime:a",
        "phx_close",
        {},
    ]
    assert json.loads(protocol.error(V1(), "realtime:a", "6", "why"))["ref"] == "6"


def test_a_system_message_names_the_channel_without_the_prefix():
    frame = json.loads(protocol.system(V2(), "realtime:a:b", "6", "position", "e:9", at="now"))
    assert frame == [
        "6",
        None,
        "realtime:a:b",
        "system",
        {"extension": "position", "status": "ok", "message": "e:9", "channel": "a:b", "at": "now"},
    ]
