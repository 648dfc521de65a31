"""docs/faults.md names tests that exist, and everything that the nemesis knows."""

import re

from tests.faults.bounds import EPISODES, Bound, table
from tests.faults.drills import DRILLS
from tests.faults.nemesis import KINDS
from tests.faults.ward.separation import FAR, LOSS
from tests.realtime.conftest import ROOT

PAGE = (ROOT / "docs/faults.md").read_text()


def test_every_test_that_is_named_exists():
    named, file = re.findall(r"`([\w/…]+(?:\.py)?)(?:::(test_\w+))?`", PAGE), ""
    checked = 0
    for path, test in named:
        file = file if path == "…" else path
        if test:
            assert f"def {test}(" in (ROOT / "tests" / file).read_text(), test
            checked += 1
    assert checked > 25


def test_everything_that_goes_wrong_is_named():
    words = re.sub(r"\s+", " ", PAGE)
    for kind in {*KINDS, *FAR, LOSS}:
        assert kind in words, kind
    for drill in DRILLS:
        assert f"bin/drill {drill}" in PAGE


def test_every_bound_that_is_measured_is_named():
    bounds = PAGE.partition("## Bounds")[2].partition("\n## ")[0]
    assert re.findall(r"^\| ([a-z][a-z -]+) \|", bounds, re.MULTILINE)[1:] == [*EPISODES]


def test_what_is_above_its_bound_is_said_to_be_missed():
    kept, broken = Bound("1", "kept", 3, 3.0), Bound("2", "broken", 3, 3.01)
    lines = table([kept, broken]).splitlines()[2:]
    assert [line.rpartition("s | ")[2] for line in lines] == ["met |", "**missed** |"]
