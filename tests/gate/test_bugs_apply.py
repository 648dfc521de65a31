"""The gate stays a gate: every seeded bug still applies, and is in docs/gate.md."""

import re
from pathlib import Path

import pytest

from tests.gate.bugs import BUGS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_applies_and_changes_something(bug):
    for edit in bug.edits:
        assert edit.applied(ROOT) != (ROOT / edit.path).read_text()
        if edit.path.endswith(".py"):
            compile(edit.applied(ROOT), edit.path, "exec")
    for test in bug.tests:
        assert not test.startswith("tests/") or (ROOT / test).is_file()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_in_the_newest_version_of_its_sql(bug):
    """An older version is put in place first and then replaced: the bug would never run."""
    for edit in bug.edits:
        if found := re.fullmatch(r"(.+\.v)(\d+)(\.sql)", edit.path):
            stem, version, end = found.groups()
            assert not (ROOT / f"{stem}{int(version) + 1}{end}").exists()


def test_there_are_twenty_at_least_with_names_of_their_own():
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20


def test_the_page_about_the_gate_lists_each():
    rows = (ROOT / "docs" / "gate.md").read_text().splitlines()
    for bug in BUGS:
        row = f"| {bug.area} | {bug.name} | {bug.breaks} | {bug.promise} | {told(bug.tests)} |"
        assert row in rows, f"docs/gate.md wants the row: {row}"


def told(tests):
    files = [test.removeprefix("tests/").removesuffix(".py") for test in tests if "/" in test]
    chosen = tests[tests.index("-k") + 1] if "-k" in tests else ""
    return ", ".join(f"`{name}`" for name in files) + (f" ({chosen})" if chosen else "")
