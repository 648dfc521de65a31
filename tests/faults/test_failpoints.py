"""The failpoints that a run arms are the engine's, and the same seed arms the same."""

from random import Random

import pytest

from realtime import failpoints as engine
from tests.faults import failpoints
from tests.faults.failpoints import POINTS, drawn
from tests.faults.plant import Plant, Process
from tests.house.test_failpoints import MODULES, waits_of


@pytest.mark.parametrize("kind", POINTS)
def test_each_name_is_one_of_the_engine(kind):
    known = {name for module, tree in MODULES.items() for name in waits_of(module, tree).names}
    assert {name for names in POINTS[kind].values() for name in names} <= known


@pytest.mark.parametrize("kind", POINTS)
def test_a_process_can_read_whatever_is_drawn(kind, monkeypatch):
    for seed in range(200):
        orders = drawn(Random(seed), kind)
        monkeypatch.setattr(engine, "_armed", {})
        engine.arm_as_told(orders)
        assert len(engine._armed) == failpoints.DELAYS + 1
        assert drawn(Random(seed), kind) == orders
    assert drawn(Random(1), "worker") == ""


def test_the_report_says_what_and_not_how_much():
    armed = ["hub.read=raise@3,log.ask=delay:0.10%50", "log.ask=delay:0.25%100"]
    assert failpoints.kinds(armed) == ["hub.read raise", "log.ask delay", "log.ask delay"]


async def test_a_process_is_started_with_its_orders(tmp_path):
    plant = Plant(tmp_path)
    plant.environment = {}
    program = "import os; print(os.environ['REALTIME_FAILPOINTS'])"
    plant.processes["web 1"] = process = Process("web 1", ["-c", program])
    process.orders = "hub.read=raise@3"
    await plant.start_process("web 1")
    await plant.until(lambda: process.pid is None)
    plant._foreman.shutdown()
    assert plant.last_words() == "hub.read=raise@3\n"
