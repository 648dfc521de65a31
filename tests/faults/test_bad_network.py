"""A page behind a real network that loses packets, or lets few through, hears everything in order.

The page runs in a network namespace whose loopback does it: TCP repeats, waits and gives up as it
does in the field, which no proxy that sees only whole bytes can show.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from tests.realtime.conftest import ROOT
from tests.realtime.reading.wire import Wire, ids, served
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("ip", "tc", "nft"))),
    reason="needs root, iproute2 and nftables",
)

VITALS = {"event": "*", "schema": "public", "table": "vital_signs"}
BATCHES, BATCH = 10, 10
# What is done to it, and where the kernel counts the packets that it was done to.
WRONG = {
    "three packets in ten are lost": (
        [
            "nft add table ip far",
            "nft add chain ip far in { type filter hook input priority 0 ; }",
            "nft add rule ip far in numgen random mod 100 < 30 counter drop",
        ],
        "nft list chain ip far in",
        r"counter packets (\d+)",
    ),
    "256 kbit/s": (
        ["tc qdisc add dev lo root tbf rate 256kbit burst 16kb latency 400ms"],
        "tc -s qdisc show dev lo",
        r"overlimits (\d+)",
    ),
}


class FarPage:
    """The page's process, and what it has printed so far."""

    def __init__(self, within, socket, cookies, cursor):
        self.said = []
        command = [sys.executable, "-m", "tests.faults.far_page"]
        self.process = subprocess.Popen(
            [*within, *command, socket, json.dumps(cookies), cursor],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self):
        self.said.extend(map(json.loads, self.process.stdout))

    @property
    def heard(self):
        return [each for each in self.said if isinstance(each, int)]

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reading.join()
        self.process.stdout.close()


@pytest.fixture
def beside():
    """What a test has to end before the namespace and the server go."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("wrong", WRONG)
def test_a_page_behind_it_hears_everything_in_order(
    namespace, committed, tmp_path, settings, cookie_of, ana, ada, clinic, inbox, beside, wrong
):
    commands, count, counted = WRONG[wrong]
    for command in commands:
        subprocess.run([*namespace, *command.split()], check=True)
    server = beside.enter_context(served())
    near = Wire(server, cookie_of(ada))
    beside.callback(near.close)
    near.live(VITALS)
    socket = str(tmp_path / "server")
    bridge = [sys.executable, "-m", "tests.faults.ferry", f"unix:{socket}", f"tcp:{server.port}"]
    ferry = subprocess.Popen(bridge, cwd=ROOT)
    beside.callback(ferry.wait)
    beside.callback(ferry.kill)
    wait_until((tmp_path / "server").exists, 60)
    before = inbox.head()
    cookies = {settings.SESSION_COOKIE_NAME: cookie_of(ana)}
    far = FarPage(namespace, socket, cookies, before)
    beside.callback(far.close)

    for _ in range(BATCHES):
        written = [
            inbox.put(
                [f"patient:{ana.patient.pk}"],
                organization=clinic.pk,
                code="x-1",
                patient_id=str(ana.patient.pk),
                note="x" * 1_000,
            )
            for _ in range(BATCH)
        ]
        # Who sits at a good network waits for nobody.
        assert ids(near.changes(BATCH)) == written

    wait_until(lambda: len(far.heard) >= BATCHES * BATCH, 120)
    first, last = (int(each.rpartition(":")[2]) for each in (before, inbox.head()))
    assert far.heard == sorted(set(far.heard)), far.said
    assert set(far.heard) <= {*range(first + 1, last + 1)}
    answer = subprocess.run(
        [*namespace, *count.split()], capture_output=True, text=True, check=True
    ).stdout
    assert int(re.search(counted, answer)[1]) > 0, "nothing was wrong with the network"
