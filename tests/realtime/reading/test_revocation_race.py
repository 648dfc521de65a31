"""Rights that end while events flow, 200 times in each of eight ways: nothing later arrives."""

import os

import pytest

from tests.realtime.hub_bugs import no_hold
from tests.realtime.reading.near import engine_here, pooled
from tests.realtime.reading.race import Race
from tests.realtime.reading.race_judgement import report
from tests.realtime.reading.race_trials import KINDS, LIVE, trials

# More for a long run; each number is another course of events.
TRIALS = int(os.environ.get("REVOCATION_TRIALS", "200"))
SEED = int(os.environ.get("REVOCATION_SEED", "1"))


@pytest.fixture
def raced(committed, log, settings, monkeypatch, database_urls, clinic):
    """`await raced(trials)`: the race that was run with them."""
    settings.REALTIME_FAILPOINTS = True
    settings.REALTIME_LIMITS = {"joins_per_second": 1_000}

    async def raced(all_trials, **options):
        async with engine_here(database_urls.engine) as hub:
            race = Race(hub, database_urls, clinic, SEED, **options)
            await race.run(all_trials)
        return race

    with pooled(monkeypatch):
        yield raced


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_after_the_end_of_a_right_arrives(raced, kind):
    race = await raced(trials(kind, TRIALS, SEED))
    assert race.leaks == []
    assert race.late == []


async def test_how_soon_an_open_page_shows_it(raced, capsys):
    """Measured and printed, one after another: a busy machine must not make a promise false."""
    all_trials = [trial for kind in KINDS if kind != "clock" for trial in trials(kind, 20, SEED)]
    race = await raced([trial for trial in all_trials if trial.where == LIVE], calm=True)
    assert race.leaks == race.late == []
    with capsys.disabled():
        print("\n" + report(race.done))


async def test_the_race_finds_rights_that_are_not_held(raced, monkeypatch):
    no_hold(monkeypatch)
    race = await raced(trials("care team", 70, SEED))
    assert race.leaks
