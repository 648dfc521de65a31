"""docs/faults.md names tests that exist, and everything that the nemesis knows."""

import re

from tests.faults.drills import DRILLS
from tests.faults.nemesis import KINDS
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
    for kind in KINDS:
        assert kind in words, kind
    for drill in DRILLS:
        assert f"bin/drill {drill}" in PAGE
