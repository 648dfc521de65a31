"""What a page of the realtime client wants to hear of, and where each of it stands."""

import pytest

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
