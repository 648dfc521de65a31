"""The doctor's look at the audit log: what waits, the newest seals, the newest anchor."""

import pytest

from portal import audit_anchors, audit_chain
from portal.management.doctor import audit
from portal.management.doctor.examination import Wishes, examine
from portal.management.doctor.finding import State
from tests.audit.rows import seals


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(audit_anchors, "_said", 0)


def said(state=State.PROBLEM):
    """What the doctor says in one state; what is not well says how it is mended."""
    found = [f for f in examine(Wishes(("audit",))) if f.state is state]
    assert state is State.OK or all(finding.mend for finding in found)
    return "\n".join(finding.what for finding in found)


def test_a_log_that_is_sealed_has_nothing_to_mend(sealed):
    sealed(3)
    assert said() == said(State.WARNING) == ""
    assert "The newest of 3 seals fit their entries" in said(State.OK)


def test_a_log_without_entries_has_nothing_to_mend(committed):
    assert said() == said(State.WARNING) == ""


def test_entries_that_nobody_seals_are_found(written, overruled):
    written(2)
    assert said() == ""
    overruled("UPDATE audit_unsealed SET since = since - interval '6 minutes'")
    assert "2 entries wait for their seals" in said()


def test_a_changed_entry_among_the_newest_is_found(sealed, overruled, monkeypatch):
    monkeypatch.setattr(audit, "LAST", 3)
    made = sealed(6)
    # Too old for the doctor; verify_audit looks at all of it.
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = %s", made[1])
    assert said() == ""
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = %s", made[4])
    assert said() == f"Entry {made[4]} is not what seal 5 was made for"


def test_a_trigger_that_is_off_is_found(committed, superuser):
    superuser.execute("ALTER TABLE audit_logs DISABLE TRIGGER audit_awaits_seal")
    try:
        assert said() == "audit_awaits_seal of audit_logs is missing or switched off"
    finally:
        superuser.execute("ALTER TABLE audit_logs ENABLE TRIGGER audit_awaits_seal")
    assert said() == ""


def test_the_newest_anchor_is_held_against_the_chain(sealed, overruled, settings, tmp_path):
    path = tmp_path / "anchors"
    settings.AUDIT_ANCHOR_FILE = str(path)
    sealed(2)
    assert "AUDIT_ANCHOR_FILE cannot be read here" in said(State.WARNING)
    path.touch()
    assert "AUDIT_ANCHOR_FILE holds no anchor" in said(State.WARNING)

    audit_anchors.say_head()
    assert said() == said(State.WARNING) == ""
    assert "The newest anchor, of seal 2, holds" in said(State.OK)

    sealed(1)
    assert said(State.WARNING) == ""
    overruled("UPDATE audit_seals SET sealed_at = sealed_at - interval '1 hour' WHERE number = 3")
    assert "Seal 2 was the last that AUDIT_ANCHOR_FILE was told of" in said(State.WARNING)


def test_a_chain_that_was_made_anew_does_not_fit_the_newest_anchor(
    sealed, overruled, settings, tmp_path
):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    sealed(2)
    audit_anchors.say_head()
    before = seals()
    overruled("DELETE FROM audit_seals")
    overruled(
        "INSERT INTO audit_unsealed (entry_id, organization_id)"
        " SELECT id, organization_id FROM audit_logs"
    )
    audit_chain.seal_batch()

    assert seals() != before
    assert said() == "The newest anchor does not hold: seal 2"
