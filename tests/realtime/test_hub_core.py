"""The hub's core: the model of hub_world.py, and the bugs that the model has to find."""

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.realtime.hub_bugs import SEEDED
from tests.realtime.hub_world import World

# One course of events for all bugs, which comes upon each within a hundred and forty examples. Left
# to itself, Hypothesis has a course of its own for each, and for some it is ten times as long.
COURSE = 1


def test_no_order_of_things_loses_doubles_or_leaks_an_event():
    run_state_machine_as_test(World, settings=settings(max_examples=250, stateful_step_count=50))


@pytest.mark.parametrize("bug", SEEDED, ids=lambda bug: bug.__name__)
def test_the_model_finds_the_bug(bug, monkeypatch):
    bug(monkeypatch)

    @seed(COURSE)
    class Course(World):
        """The model, on that course."""

    # Whatever breaks first: a promise, or the machine itself.
    with pytest.raises((AssertionError, LookupError, AttributeError, ExceptionGroup)):
        run_state_machine_as_test(
            Course,
            settings=settings(
                max_examples=2_000,
                stateful_step_count=50,
                phases=[Phase.generate],
                database=None,
                report_multiple_bugs=False,
            ),
        )
