"""Everything goes wrong for half a minute, and every promise holds.

The seed is the day's, so that all of one day's runs try the same thing; FAULTS_SEED repeats another
one. How fast it all was is printed and never judged: the machine has other work.
"""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.faults.plant import Plant
from tests.faults.run import Run, Scale
from tests.faults.telling import told
from tests.realtime.conftest import ROOT


@pytest.mark.timeout(600)
# What a fault cut off is collected whenever, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_nothing_is_lost_doubled_disordered_or_leaked(tmp_path, migrated):
    seed = os.environ.get("FAULTS_SEED") or f"{datetime.now(UTC):%Y-%m-%d}"
    plant = Plant(tmp_path, migrated)
    try:
        await plant.start()
        outcome = await Run(plant, seed, Scale()).run()
        # The worker may have been away for most of the run.
        await plant.until(lambda: plant.rows("SELECT 1 FROM audit_seals LIMIT 1"))
        audited = await asyncio.to_thread(verified, plant)
    finally:
        await plant.end()

    print(told(seed, [outcome]))
    assert outcome.report.wrong == {}, f"again with FAULTS_SEED={seed}"
    assert audited["problems"] == 0, audited
    # A run in which nothing happened would prove nothing.
    assert len(outcome.faults) >= 10
    assert outcome.report.counts["deliveries"] > 500


def verified(plant):
    """What manage.py verify_audit says of the audit log that the run has left."""
    said = subprocess.run(
        [sys.executable, "manage.py", "verify_audit", "--json"],
        cwd=ROOT,
        env=plant.environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    return json.loads(said.stdout)
