"""A burst of news becomes one refresh, and none waits beyond a second."""

import pytest


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
