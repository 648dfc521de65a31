"""The frames, cursors and channel of the realtime client: what they make of what they are told."""

import pytest

CHANNEL = """async (frames) => {
  const { Channel } = await import("realtime/channel")
  const { Cursor } = await import("realtime/cursor")
  const channel = new Channel("realtime:page", "org")
  const wanted = ["messages", "notes"].map((key, seq) => (
    { key, binding: { event: "*", table: key }, at: new Cursor("e", seq) }
  ))
  const join = channel.join(wanted)
  const signals = frames.map((frame) => {
    if (frame === "rejoin") return channel.join(wanted.slice(1)) && null
    const [joinRef, ref, topic, event, payload] = frame
    const signal = channel.receive({ joinRef, ref, topic, event, payload })
    if (signal?.cursor) signal.cursor = String(signal.cursor)
    return signal
  })
  return { join, signals }
}"""


@pytest.fixture
def channel(modules):
    """`channel(frames)`: the join that a channel sends, and what it makes of the frames."""
    return lambda *frames: modules.evaluate(CHANNEL, frames)


def test_frames_travel_as_arrays_of_five(modules):
    text = modules.evaluate("""async () => {
      const { encode } = await import("realtime/protocol")
      return encode({ joinRef: "1", ref: "2", topic: "realtime:x", event: "phx_join" })
    }""")
    assert text == '["1","2","realtime:x","phx_join",{}]'


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '["1","2"]', "[1,2,3,4,5]", "null", "[[[["])
def test_what_is_no_frame_is_nothing(modules, text):
    decoded = modules.evaluate(
        """async (text) => (await import("realtime/protocol")).decode(text)""", text
    )
    assert decoded is None


@pytest.mark.parametrize(
    ("text", "cursor"),
    [("a:7", "a:7"), ("a:b:7", "a:b:7"), ("7", None), (":7", None), ("a:-1", None), ("a:x", None)],
)
def test_a_cursor_is_an_epoch_and_a_number(modules, text, cursor):
    parsed = modules.evaluate(
        """async (text) => {
          const { Cursor } = await import("realtime/cursor")
          return Cursor.parse(text)?.toString() ?? null
        }""",
        text,
    )
    assert parsed == cursor


@pytest.mark.parametrize(
    ("here", "there", "after"),
    [
        ("a:7", "a:9", "a:9"),
        ("a:7", "a:7", "a:7"),
        ("a:7", "a:3", "a:7"),
        ("a:7", "b:3", "b:3"),  # a log that is another one begins where it begins
    ],
)
def test_a_cursor_moves_forward_and_with_the_log(modules, here, there, after):
    assert after == modules.evaluate(
        """async ([here, there]) => {
          const { Cursor } = await import("realtime/cursor")
          return Cursor.parse(here).advancedTo(Cursor.parse(there)).toString()
        }""",
        [here, there],
    )


def test_a_join_names_the_organization_and_each_bindings_own_cursor(channel):
    join = channel()["join"]
    assert (join["event"], join["ref"], join["joinRef"]) == ("phx_join", "1", "1")
    assert join["payload"]["config"] == {
        "organization": "org",
        "postgres_changes": [
            {"event": "*", "table": "messages", "since": "e:0"},
            {"event": "*", "table": "notes", "since": "e:1"},
        ],
    }


def test_an_event_is_for_the_bindings_its_ids_name(channel):
    signals = channel(_reply("1", [11, 22]), _change("e:5", 22))["signals"]
    assert signals[0] == {"kind": "joined", "keys": ["messages", "notes"]}
    assert signals[1] == {"kind": "event", "keys": ["notes"], "cursor": "e:5"}


def test_until_the_new_join_is_answered_events_are_those_of_the_old(channel):
    signals = channel(
        _reply("1", [11, 22]), "rejoin", _change("e:5", 11), _reply("2", [11]), _change("e:6", 11)
    )["signals"]
    assert [signal["keys"] for signal in signals if signal and "keys" in signal] == [
        ["messages", "notes"],
        ["messages"],
        ["notes"],
        ["notes"],
    ]


def test_the_reply_to_a_join_that_was_replaced_means_nothing(channel):
    assert channel("rejoin", _reply("1", [11, 22]))["signals"][1] is None


def test_a_refusal_is_told_with_its_reason(channel):
    assert channel(_reply("1", [], "error"))["signals"] == [{"kind": "refused", "reason": "no"}]


def test_a_resync_and_other_rights_both_mean_reading_again(channel):
    signals = channel(_system("resync", "pruned"), _system("access", ""))["signals"]
    assert signals == [{"kind": "resync"}] * 2


def test_a_heartbeat_during_a_join_does_not_move_the_cursor(channel):
    beat = [None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {"position": "e:9"}}]
    frames = [beat, _reply("1", [11, 22]), beat, "rejoin", beat, _reply("2", [22]), beat]
    before, _, joined, _, again, _, after = channel(*frames)["signals"]
    assert before is None
    assert again is None
    for signal in (joined, after):
        assert (signal["kind"], signal["cursor"]) == ("position", "e:9")


def test_the_close_of_a_join_that_was_replaced_is_no_news(channel):
    close = ["1", "1", "realtime:page", "phx_close", {}]
    signals = channel(_reply("1", [11, 22]), "rejoin", _reply("2", [22]), close)["signals"]
    assert signals[-1] is None
    assert channel(_reply("1", [11, 22]), close)["signals"][-1]["kind"] == "closed"


def _reply(ref, ids, status="ok"):
    changes = [{"id": number} for number in ids]
    response = {"postgres_changes": changes} if status == "ok" else {"reason": "no"}
    payload = {"status": status, "response": response}
    return [ref, ref, "realtime:page", "phx_reply", payload]


def _change(position, *ids):
    data = {"position": position}
    return [None, None, "realtime:page", "postgres_changes", {"ids": list(ids), "data": data}]


def _system(extension, message):
    payload = {"extension": extension, "message": message, "at": "2026-01-01T00:00:00Z"}
    return ["1", None, "realtime:page", "system", payload]
