"""The page's own client in worlds that hypothesis thinks of: no promise is broken in any.

`CLIENT_PLANS=20000` tries so many, others each time; without it, the same few hundred. A plan that
breaks a promise is shrunk to a short one. Short ones that did once, or do with a bug of the gate,
are below.
"""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.browser.simulation.oracle import judge
from tests.browser.simulation.steps import plans
from tests.browser.simulation.witness import Broken

PLANS = os.environ.get("CLIENT_PLANS")
HERE = Path(__file__).parent
LIVED = """async (plan) => (await import("/simulation/world.js")).lived(plan)"""

KNOWN = {
    "a refresh that was under way when rights changed is as old as before": [
        [0, "show", 0, ["a"], False],
        [1_000, "bring", 1, ["a"], False, 0, 1_000],
        [500, "rights"],
    ],
    "content older than what was joined for those before it": [
        [0, "show", 0, ["a"], False],
        [0, "show", 2, ["b"], False],
        [1_000, "bring", 1, ["b"], False, 0, 9_500],
        [500, "commit", "b", 1],
        [7_500, "joins", 30_000, "ok", 2_500],
        [0, "cut"],
        [1_300, "remove", 2],
    ],
    "a poll that was read before rights changed, and comes after that was told": [
        [0, "show", 0, ["a"], False],
        [1_000, "bring", 1, ["a"], False, 0, 3_900],
        [90, "haste", 1_000, 0, 2_500],
        [10, "sockets", 2_800, "refuse"],
        [0, "cut"],
        [700, "rights"],
        [80, "relay", 6_000],
        [2_020, "hurry"],
        [7_000, "repeat"],
    ],
    "a line that dies just before the clock is set back": [
        [0, "show", 0, ["a"], False],
        [5_200, "die"],
        [9_000, "clock", -3_600_000],
    ],
    "a refresh that was under way when its table changed": [
        [0, "show", 0, ["a"], False],
        [1_000, "bring", 1, ["a"], False, 0, 1_000],
        [500, "commit", "a", 1],
    ],
    "a region that comes in during the first join": [
        [0, "joins", 5_000, "ok", 1_000],
        [0, "show", 0, ["a"], False],
        [200, "show", 1, ["b"], False],
    ],
    "a poll that is under way when the line is back": [
        [0, "haste", 20_000, 0, 5_000],
        [0, "show", 0, ["a"], False],
        [1_000, "outage", 3_000, "ok", None],
        [3_200, "hurry"],
    ],
    "a short trouble long after a longer one": [
        [0, "show", 0, ["a"], False],
        [1_000, "outage", 5_000, "ok", None],
        [40_000, "close", 1012],
    ],
    "a look at a page that was told to wait": [
        [0, "show", 0, ["a"], False],
        [1_000, "outage", 30_000, 503, "90"],
        [9_000, "hurry"],
    ],
    "the end of a membership": [
        [0, "show", 0, ["a"], False],
        [1_000, "end", 4403],
    ],
}


@pytest.fixture
def lived(modules):
    """`lived(plan)`: the trace of a plan."""

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        route.fulfill(path=HERE / name, content_type="text/javascript")

    modules.route("**/simulation/*.js", answer)
    return lambda plan: json.loads(modules.evaluate(LIVED, plan))


def test_every_promise_is_kept(lived):
    @settings(
        max_examples=int(PLANS or 400),
        derandomize=PLANS is None,
        suppress_health_check=list(HealthCheck),
    )
    @given(plan=plans())
    def tried(plan):
        judge(lived(plan))

    tried()


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_order_of_things_breaks_no_promise(lived, name):
    judge(lived({"seed": 0, "steps": KNOWN[name], "polls": None}))


def test_a_plan_is_the_same_world_each_time(lived):
    plan = {"seed": 7, "steps": [step for steps in KNOWN.values() for step in steps], "polls": None}
    assert lived(plan) == lived(plan)


def test_content_that_lacks_something_is_not_let_pass(lived):
    trace = lived({"seed": 0, "steps": [[0, "show", 0, ["a"], False]], "polls": None})
    silent = [record for record in trace if record[1] not in ("told", "content")]
    with pytest.raises(Broken, match="was not told"):
        judge(silent)
