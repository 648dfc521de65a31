"""The pure parts of the realtime client: what they decide, without a socket or a clock."""

import pytest

LINE = """async (steps) => {
  const { Connection } = await import("realtime/connection")
  const line = new Connection({}, () => 0.5)
  return steps.map(([input, ...rest]) => {
    const doing = line[input](...rest)
    return [doing.join(" "), line.standing, line.wakeAt]
  })
}"""


@pytest.fixture
def line(modules):
    """`line(steps)`: feed inputs to a connection; what it did, how it stands, when it wakes."""
    return lambda *steps: modules.evaluate(LINE, steps)


# Connection ----------------------------------------------------------------------------------


def test_an_open_socket_is_not_live_until_the_server_has_told_its_position(line):
    assert line(["start", 0], ["joined", 10], ["heard", 20]) == [
        ["open", "reconnecting", 4_000],
        ["", "reconnecting", 4_000],
        ["", "live", 10_020],
    ]


def test_a_line_that_is_silent_for_two_beats_is_given_up(line):
    *_, before, after = line(
        ["start", 0], ["joined", 0], ["heard", 0], ["tick", 9_999], ["tick", 10_000]
    )
    assert before[:2] == ["", "live"]
    assert after[:2] == ["close", "reconnecting"]


def test_the_waits_double_up_to_ten_seconds(line):
    steps, now = [["start", 0]], 0
    for failures in range(8):
        steps.append(["lost", now, 1006])
        now += 0.5 * min(10_000, 1_000 * 2**failures)
        steps.append(["tick", now])
    opened = [done for done, _, _ in line(*steps) if "open" in done]
    assert len(opened) == 9


def test_the_wait_is_anywhere_between_nothing_and_the_cap(modules):
    waits = modules.evaluate("""async () => {
      const { backoff } = await import("realtime/backoff")
      return [0, 0.5, 0.999].map((luck) => backoff(40, () => luck))
    }""")
    assert waits == [0, 5_000, 9_990]


def test_two_failures_begin_polling(line):
    *_, first, _, second = line(["start", 0], ["lost", 10, 1006], ["tick", 600], ["lost", 610])
    assert first[0] == ""
    assert second[:2] == ["poll", "reconnecting"]


def test_four_seconds_without_a_line_begin_polling(line):
    *_, before, after = line(["start", 0], ["tick", 3_999], ["tick", 4_000])
    assert before[0] == ""
    assert after[0] == "poll"


def test_polling_says_so_once_it_was_answered_and_offline_when_it_was_not(line):
    *_, answered, failed = line(
        ["start", 0], ["tick", 4_000], ["pollAnswered", 4_100], ["pollFailed", 9_100]
    )
    assert answered[1] == "polling"
    assert failed[1] == "offline"


def test_polls_follow_each_other_in_five_seconds_never_two_at_once(line):
    *_, waiting, asked, due, overdue = line(
        ["start", 0],
        ["lost", 0, 1006],
        ["tick", 4_000],
        ["lost", 4_000, 1006],
        ["pollAnswered", 4_000],
        ["lost", 4_000, 1006],
        ["tick", 9_000],
        ["tick", 9_001],
        ["tick", 9_002],
    )[2:]
    assert waiting[0] != "poll"
    assert [step[0].count("poll") for step in (asked, due, overdue)] == [1, 0, 0]


def test_a_page_that_is_told_to_wait_waits_and_says_that_it_is_not_up_to_date(line):
    """Also when it comes to the front, or loses its line once more, in the meantime."""
    begun = (["start", 0], ["tick", 4_000], ["pollFailed", 4_100, 15_000])
    *_, refused, hurried, early, due, answered = line(
        *begun, ["hurry", 5_000], ["tick", 20_599], ["tick", 20_600], ["pollAnswered", 20_700]
    )
    assert refused[1] == "offline"
    assert "poll" not in hurried[0] + early[0]
    assert due[0] == "poll"
    assert answered[1] == "polling"
    *_, back, gone, later = line(
        *begun,
        ["lost", 4_200, 1006],
        ["hurry", 4_300],
        ["joined", 4_400],
        ["heard", 4_500],
        ["lost", 4_600, 1006],
        ["hurry", 4_700],
        ["lost", 4_800, 1006],
        ["tick", 20_600],
    )
    assert "poll" not in back[0] + gone[0]
    assert "poll" in later[0]


def test_the_socket_takes_over_from_polling_only_when_the_server_has_spoken_on_it(line):
    *_, opened, joined, heard = line(
        ["start", 0],
        ["lost", 0, 1006],
        ["tick", 500],
        ["lost", 500, 1006],
        ["pollAnswered", 600],
        ["tick", 1_500],
        ["joined", 1_600],
        ["heard", 1_700],
    )
    assert opened[:2] == ["open", "polling"]
    assert joined[1] == "polling"
    assert heard[1] == "live"


def test_it_never_gives_up(line):
    steps = [["start", 0]]
    for day in range(1, 400):
        steps += [["lost", day * 86_400_000, 1006], ["tick", day * 86_400_000 + 30_000]]
    assert line(*steps)[-1][0] == "open"


@pytest.mark.parametrize("code", [4401, 4403])
def test_a_close_that_means_the_end_is_obeyed(line, code):
    *_, ended, later = line(["start", 0], ["lost", 10, code], ["tick", 60_000])
    assert ended == ["close", "signed-out", None]
    assert later == ["", "signed-out", None]


def test_back_in_front_it_tries_at_once(line):
    *_, lost, hurried = line(["start", 0], ["lost", 10, 1006], ["hurry", 11])
    assert "open" not in lost[0]
    assert hurried[0] == "open"


def test_a_line_that_falls_over_at_once_each_time_is_tried_less_and_less(line):
    steps, now = [["start", 0]], 0
    for _ in range(6):
        steps += [["joined", now], ["heard", now], ["lost", now + 1, 1006]]
        now += 31_000
        steps.append(["tick", now])
    lost = [wake - 31_000 * n for n, (_, _, wake) in enumerate(line(*steps)[3::4])]
    assert lost == sorted(lost)
    assert lost[-1] > 4_000


def test_at_rest_it_holds_nothing_and_wakes_never(line):
    assert line(["start", 0], ["tick", 4_000], ["rest"])[-1] == ["close", "resting", None]


# Frames --------------------------------------------------------------------------------------


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


# Channel -------------------------------------------------------------------------------------

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


@pytest.fixture
def channel(modules):
    """`channel(frames)`: the join that a channel sends, and what it makes of the frames."""
    return lambda *frames: modules.evaluate(CHANNEL, frames)


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


# Bindings ------------------------------------------------------------------------------------

BINDINGS = """async (steps) => {
  const { Bindings } = await import("realtime/bindings")
  const { Cursor } = await import("realtime/cursor")
  const bindings = new Bindings()
  const told = {}
  const leaves = {}
  const binding = (table) => ({ event: "*", schema: "public", table, filter: "" })
  // Of the first binding of a table, also when that is forgotten by now.
  const known = {}
  const keys = (tables) => {
    for (const { key, binding } of bindings.list()) known[binding.table] ??= key
    return tables.map((table) => known[table])
  }
  for (const [what, ...rest] of steps) {
    keys([])
    if (what === "add") {
      const [region, table, since] = rest
      told[region] ??= 0
      leaves[region] = bindings.add(binding(table), Cursor.parse(since), () => told[region]++)
    }
    if (what === "leave") leaves[rest[0]]()
    if (what === "prune") bindings.prune()
    if (what === "joined") bindings.joined(keys(rest))
    if (what === "event") bindings.deliver(Cursor.parse(rest[0]), keys(rest.slice(1)))
    if (what === "position") bindings.caughtUp(Cursor.parse(rest[0]))
    if (what === "polled") bindings.caughtUp(Cursor.parse(rest[0]), keys(rest.slice(1)))
    if (what === "resync") bindings.tellAll()
    if (what === "count from") bindings.restart(Cursor.parse(rest[0]))
    if (what === "restart") { bindings.tellAll(); bindings.restart(Cursor.parse(rest[0])) }
  }
  const at = bindings.list().map(({ binding, at }) => [binding.table, String(at)])
  return { told, at: Object.fromEntries(at) }
}"""


@pytest.fixture
def bindings(modules):
    """`bindings(steps)`: how often each region was told, and where each binding stands."""
    return lambda *steps: modules.evaluate(BINDINGS, steps)


def test_an_event_told_by_socket_and_poll_is_told_once(bindings):
    end = bindings(
        ["add", "list", "messages", "e:4"],
        ["joined", "messages"],
        ["event", "e:5", "messages"],
        ["event", "e:5", "messages"],
        ["event", "e:3", "messages"],
    )
    assert end == {"told": {"list": 1}, "at": {"messages": "e:5"}}


def test_regions_that_wait_for_the_same_are_one_binding_and_all_told(bindings):
    end = bindings(
        ["add", "list", "messages", "e:4"],
        ["add", "badge", "messages", "e:4"],
        ["event", "e:5", "messages"],
    )
    assert end == {"told": {"list": 1, "badge": 1}, "at": {"messages": "e:5"}}


def test_a_position_moves_only_what_the_server_listens_for(bindings):
    end = bindings(
        ["add", "list", "messages", "e:4"],
        ["joined", "messages"],
        ["add", "notes", "notes", "e:6"],
        ["position", "e:9"],
    )
    assert end["at"] == {"messages": "e:9", "notes": "e:6"}


def test_content_read_before_the_last_event_is_read_again(bindings):
    """A refresh was under way when the event came; its answer replaces the region."""
    end = bindings(
        ["add", "old", "messages", "e:4"],
        ["joined", "messages"],
        ["event", "e:7", "messages"],
        ["leave", "old"],
        ["add", "new", "messages", "e:6"],
    )
    assert end["told"] == {"old": 1, "new": 1}


def test_content_read_after_the_last_event_is_left_alone(bindings):
    end = bindings(
        ["add", "old", "messages", "e:4"],
        ["joined", "messages"],
        ["event", "e:7", "messages"],
        ["position", "e:9"],
        ["leave", "old"],
        ["add", "new", "messages", "e:7"],
    )
    assert end == {"told": {"old": 1, "new": 0}, "at": {"messages": "e:9"}}


def test_content_read_before_its_binding_was_listened_for_is_read_again(bindings):
    end = bindings(["add", "one", "messages", "e:8"], ["add", "two", "messages", "e:6"])
    assert end["told"] == {"one": 0, "two": 1}


def test_another_epoch_is_never_compared(bindings):
    end = bindings(
        ["add", "list", "messages", "e:90"],
        ["joined", "messages"],
        ["restart", "f:3"],
        ["event", "f:4", "messages"],
    )
    assert end == {"told": {"list": 2}, "at": {"messages": "f:4"}}


def test_what_came_after_everybody_was_told_keeps_its_place(bindings):
    """A swap brought it in before the position came from which the others count."""
    end = bindings(
        ["add", "list", "messages", "e:1"],
        ["resync"],
        ["add", "new", "vitals", "e:5"],
        ["count from", "e:8"],
        ["event", "e:7", "vitals"],
    )
    assert end["told"] == {"list": 1, "new": 1}


def test_what_came_for_the_same_after_everybody_was_told_is_told_too(bindings):
    """A refresh that was under way when everybody was told, and may be older than that."""
    end = bindings(
        ["add", "old", "messages", "e:5"],
        ["resync"],
        ["add", "new", "messages", "e:5"],
        ["leave", "old"],
        ["count from", "e:6"],
    )
    assert end == {"told": {"old": 1, "new": 1}, "at": {"messages": "e:6"}}


def test_what_came_with_content_of_another_log_is_told_too(bindings):
    end = bindings(
        ["add", "list", "messages", "e:5"],
        ["resync"],
        ["add", "new", "vitals", "e:5"],
        ["count from", "f:3"],
    )
    assert end == {
        "told": {"list": 1, "new": 1},
        "at": {"messages": "f:3", "vitals": "f:3"},
    }


def test_in_a_log_that_went_back_an_event_counts_before_the_position_does(bindings):
    end = bindings(
        ["add", "list", "messages", "e:90"],
        ["joined", "messages"],
        ["resync"],
        ["event", "e:5", "messages"],
        ["count from", "e:5"],
    )
    assert end == {"told": {"list": 2}, "at": {"messages": "e:5"}}


@pytest.mark.parametrize("answer", [["joined", "messages"], ["polled", "e:9", "messages"]])
def test_what_was_asked_for_a_binding_that_is_forgotten_is_not_its_successors(bindings, answer):
    """It was asked from a later position on than the content of the new one has."""
    end = bindings(
        ["add", "old", "messages", "e:8"],
        ["leave", "old"],
        ["prune"],
        ["add", "new", "messages", "e:5"],
        answer,
        ["position", "e:9"],
    )
    assert end["at"] == {"messages": "e:5"}


def test_a_binding_that_nobody_wants_is_forgotten(bindings):
    end = bindings(["add", "list", "messages", "e:1"], ["leave", "list"], ["prune"])
    assert end["at"] == {}


# Bursts --------------------------------------------------------------------------------------


def due_at(modules, *burst):
    return modules.evaluate(
        """async (burst) => (await import("realtime/coalescer")).dueAt(...burst)""", burst
    )


@pytest.mark.parametrize("latest", [1_000, 1_009])
def test_the_first_after_a_pause_is_acted_upon_at_once(modules, latest):
    """Also when the rest of the same change is still arriving."""
    assert due_at(modules, 1_000, latest, 850) == 1_010


@pytest.mark.parametrize(
    ("first", "latest", "due"),
    [(100, 100, 250), (100, 200, 350), (100, 1_000, 1_100), (100, 1_090, 1_100)],
)
def test_what_follows_waits_for_quiet_but_not_beyond_a_second(modules, first, latest, due):
    assert due_at(modules, first, latest, 0) == due


BURSTS = """async (pauses) => {
  const { Coalescer } = await import("realtime/coalescer")
  const pass = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))
  const acted = []
  const burst = new Coalescer(() => acted.push(added))
  let added = 0
  for (const pause of pauses) {
    await pass(pause)
    for (let each = 0; each < 3; each++) { burst.add(); added += 1 }
  }
  await pass(500)
  return acted
}"""


def test_what_one_change_writes_is_acted_upon_once(modules):
    assert modules.evaluate(BURSTS, [200]) == [3]


def test_what_follows_closely_is_acted_upon_once_more(modules):
    assert modules.evaluate(BURSTS, [200, 30, 30, 30]) == [3, 12]


def test_what_was_fetched_just_now_is_not_fetched_again_at_once(modules):
    """htmx would not hear of it yet: it gets to know what it brought in a little later."""
    assert modules.evaluate(BURSTS, [0, 30]) == [6]
