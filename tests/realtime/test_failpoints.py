"""Failpoints: off unless asked for, and armed from outside for a process of its own."""

import subprocess
import sys
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from realtime import failpoints
from realtime.failpoints import Reached, arm_as_told, armed, failpoint


@pytest.fixture(autouse=True)
def disarmed(monkeypatch):
    monkeypatch.setattr(failpoints, "_armed", {})


async def test_nothing_can_be_armed_where_the_setting_is_off(settings):
    settings.REALTIME_FAILPOINTS = ""
    with pytest.raises(RuntimeError), armed("hub.read", None):
        pass
    await failpoint("hub.read")


@pytest.mark.parametrize("switch", [None, False, True, "", "0", "1", "on"])
async def test_a_switch_arms_nothing_by_itself(switch):
    arm_as_told(switch)
    assert failpoints._armed == {}


async def test_a_delay_and_a_failure_from_outside():
    arm_as_told("hub.read=delay:0.05, relay.publish=raise")
    began = time.monotonic()
    await failpoint("hub.read")
    assert time.monotonic() - began >= 0.05
    with pytest.raises(Reached, match=r"relay\.publish"):
        await failpoint("relay.publish")
    await failpoint("bus.publish")


async def test_a_turn_is_taken_once():
    arm_as_told("hub.read=raise@3")
    fates = []
    for _ in range(5):
        try:
            fates.append(await failpoint("hub.read"))
        except Reached:
            fates.append("raised")
    assert fates == [None, None, "raised", None, None]


async def test_a_chance_is_taken_sometimes():
    arm_as_told("hub.read=raise%50")
    raised = 0
    for _ in range(400):
        try:
            await failpoint("hub.read")
        except Reached:
            raised += 1
    assert 100 < raised < 300


def test_an_exit_leaves_no_time_for_anything():
    program = (
        "import asyncio, atexit; from realtime.failpoints import arm_as_told, failpoint;"
        " atexit.register(print, 'tidied'); arm_as_told('relay.publish=exit@2');"
        " asyncio.run(failpoint('relay.publish')); print('once', flush=True);"
        " asyncio.run(failpoint('relay.publish')); print('twice')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (-9, "once\n")


@pytest.mark.parametrize("orders", ["hub.read", "hub.read=stop", "a=raise;b=raise", "a=delay:"])
def test_an_order_that_cannot_be_read_stops_the_start(orders):
    with pytest.raises(ImproperlyConfigured, match="REALTIME_FAILPOINTS"):
        arm_as_told(orders)


@pytest.mark.parametrize(
    ("value", "setting"),
    [(None, ""), ("", ""), ("0", ""), ("off", ""), ("No", ""), ("1", "1"), ("a=raise", "a=raise")],
)
def test_no_means_no(monkeypatch, value, setting):
    monkeypatch.delenv("REALTIME_FAILPOINTS", raising=False)
    if value is not None:
        monkeypatch.setenv("REALTIME_FAILPOINTS", value)
    assert environment.orders("REALTIME_FAILPOINTS") == setting
