"""The database's time, counted on between its answers: exact to the quickest of them."""

import pytest

from realtime import shared_clock
from realtime.shared_clock import SharedClock

DAY = 86_400.0
UP = 1_000.0  # what a monotonic clock says, of a machine that runs for a while
NOW = 1_800_000_000.0


class Machine:
    """A machine's two clocks, of which the one on the wall is off; `pass_by` lets time pass."""

    def __init__(self, off):
        self.passed, self.off = 0.0, off

    def monotonic(self):
        return UP + self.passed

    def time(self):
        return self.true + self.off

    @property
    def true(self):
        return NOW + self.passed

    def ask(self, clock, there, back):
        """An answer of the database that travels so long, each way."""
        asked_at = self.monotonic()
        self.passed += there
        said = self.true
        self.passed += back
        clock.hear(said, asked_at)


@pytest.fixture(params=[0.0, DAY, -DAY], ids=["right", "ahead", "behind"])
def machine(request, monkeypatch):
    machine = Machine(request.param)
    monkeypatch.setattr(shared_clock, "time", machine)
    return machine


def test_until_the_database_spoke_it_is_the_machines_own_time(machine):
    assert SharedClock().time() == pytest.approx(machine.time())


def test_it_is_never_behind_and_at_most_one_way_ahead(machine):
    clock = SharedClock()
    for there, back in ((0.5, 0.2), (0.001, 0.003), (2.0, 0.0), (0.0, 4.0)):
        machine.ask(clock, there, back)
        machine.passed += 3600.0
        assert machine.true <= clock.time() + 1e-6
    assert clock.time() == pytest.approx(machine.true, abs=0.002)


@pytest.mark.parametrize("step", [DAY, -DAY, 5.0, -5.0])
def test_a_database_that_goes_by_another_time_is_believed(machine, step):
    clock = SharedClock()
    machine.ask(clock, 0.01, 0.01)
    clock.hear(machine.true + step, machine.monotonic())
    assert clock.time() == pytest.approx(machine.true + step)


def test_what_the_machine_says_later_changes_nothing(machine):
    clock = SharedClock()
    machine.ask(clock, 0.01, 0.01)
    machine.off += DAY
    assert clock.time() == pytest.approx(machine.true, abs=0.03)
