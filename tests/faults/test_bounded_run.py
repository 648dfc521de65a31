"""Everything goes wrong for half a minute, and every promise holds.

The seed is the day's, so that all of one day's runs try the same thing; FAULTS_SEED repeats another
one. How fast it all was is printed and never judged: the machine has other work.
"""

import os
from datetime import UTC, datetime

import pytest

from tests.faults.plant import Plant
from tests.faults.run import Run, Scale
from tests.faults.telling import told


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
    finally:
        await plant.end()

    print(told(seed, [outcome]))
    assert outcome.report.wrong == {}, f"again with FAULTS_SEED={seed}"
    # A run in which nothing happened would prove nothing.
    assert len(outcome.faults) >= 10
    assert outcome.report.counts["deliveries"] > 500
