"""The audit log is verified by itself, and administrators are told when it is not as it was."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Kind, Notification
from portal import audit_anchors
from portal.operations import audit_rounds, guard, health, jobs, measures
from portal.operations.audit_rounds import EVERY, EVERY_WHILE_AMISS, verify_on
from portal.operations.models import AuditRound, Finding
from portal.tenancy import acting_for

SECOND = timedelta(seconds=1)


@pytest.fixture
def now(committed):
    return timezone.now()


@pytest.fixture
def forged(overruled):
    """`forged(entry, action)`: past all triggers, the entry says another action."""

    def act(entry, action):
        assert overruled("UPDATE audit_logs SET action = %s WHERE id = %s", action, entry)

    return act


def finding(now):
    """What the guard finds of the audit log, and tells."""
    guard.look(now)
    with acting_for(None, system=True):
        found = Finding.objects.filter(rule=health.AUDIT.name, ended_at=None)
        return found.exclude(raised_at=None).first()


def alarms(person):
    with acting_for(person.organization.pk, system=True):
        return Notification.objects.filter(user=person.user, kind=Kind.ALARM).count()


def told_of_it(person, found):
    with acting_for(person.organization.pk, system=True):
        return Notification.objects.filter(user=person.user, subject_id=found.pk).exists()


def test_a_log_that_verifies_is_nobodys_alarm(now, sealed):
    sealed(3)
    jobs.verify_audit(0)
    with acting_for(None, system=True):
        ended = AuditRound.objects.get()
    assert (ended.head, ended.upto, ended.deviations) == (3, 3, 0)
    assert ended.ended_at
    assert finding(now) is None
    assert measures.of_stream().audit_verified_ago < 1


def test_administrators_are_told_and_it_is_over_when_it_verifies_again(
    now, sealed, forged, admin, other_admin, ada, client_for, client
):
    entry = sealed(3)[1]
    forged(entry, "another")
    verify_on(now)

    found = finding(now)
    assert found.is_critical
    assert found.reason.endswith("do not fit: 1; bound 0")
    assert told_of_it(admin, found)
    assert told_of_it(other_admin, found)
    assert alarms(ada) == 0
    page = client_for(admin).get("/operations/").text
    assert found.reason in page
    assert "Act: somebody should see to this now" in page
    judged = client.get("/health/realtime", REMOTE_ADDR="127.0.0.1").json()
    states = {check["name"]: check["state"] for check in judged["checks"]}
    assert states[health.AUDIT.name] == health.RED

    forged(entry, "test.written")
    # Not before the next round.
    assert verify_on(now + SECOND) is None
    assert finding(now + SECOND) == found
    later = now + EVERY_WHILE_AMISS
    assert verify_on(later).deviations == 0
    assert finding(later) is None
    assert verify_on(later + EVERY - SECOND) is None
    assert verify_on(later + EVERY) is not None


def test_what_is_known_does_not_hide_what_comes_to_it(now, sealed, forged, admin):
    first, second = sealed(2)
    forged(first, "another")
    verify_on(now)
    known = finding(now)
    assert finding(now + 10 * SECOND) == known

    forged(second, "another")
    later = now + EVERY_WHILE_AMISS
    verify_on(later)
    finding(later)
    new = finding(later + 10 * SECOND)
    assert new != known
    assert new.reason.endswith("do not fit: 2; bound 0")
    assert told_of_it(admin, new)


def test_a_long_log_is_verified_a_stretch_at_a_time(now, sealed, forged, monkeypatch, admin):
    monkeypatch.setattr(audit_rounds, "STRETCH", 2)
    entries = sealed(5)
    forged(entries[2], "another")
    forged(entries[3], "another")
    first = verify_on(now)
    assert (first.upto, first.deviations, first.ended_at) == (2, 0, None)
    assert finding(now) is None

    second = verify_on(now + SECOND)
    assert (second.upto, second.deviations, second.ended_at) == (4, 2, None)
    # Told of before all of it has been looked at.
    assert finding(now + SECOND).reason.endswith("do not fit: 1; bound 0")
    # What comes in meanwhile is the next round's.
    sealed(1)
    third = verify_on(now + 2 * SECOND)
    assert (third.pk, third.upto, third.deviations) == (first.pk, 5, 2)
    assert third.ended_at


def test_a_worker_that_comes_late_sets_nothing_back(now, sealed, forged, monkeypatch):
    forged(sealed(3)[1], "another")
    monkeypatch.setattr(audit_rounds, "STRETCH", 1)
    late = verify_on(now)
    verify_on(now)
    ended = verify_on(now)
    assert (ended.upto, ended.deviations) == (3, 1)
    monkeypatch.setattr(audit_rounds, "_under_way", lambda: late)
    still = verify_on(now)
    assert (still.upto, still.deviations, still.ended_at) == (3, 1, ended.ended_at)


def test_an_entry_past_the_trigger_and_a_cut_chain_are_found(
    now, sealed, overruled, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(audit_anchors, "_said", 0)
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    last = sealed(3)[-1]
    audit_anchors.say_head()
    overruled("DELETE FROM audit_seals WHERE number = 3")
    assert verify_on(now).deviations == 2
    overruled("DELETE FROM audit_logs WHERE id = %s", last)
    # The end is gone without a trace, save in the anchor.
    assert verify_on(now + EVERY_WHILE_AMISS).deviations == 1


def test_what_nobody_seals_is_told_of(now, written, overruled, admin):
    written(1)
    overruled("UPDATE audit_unsealed SET since = since - interval '11 minutes'")
    guard.look(now)
    with acting_for(None, system=True):
        found = Finding.objects.get(rule=health.UNSEALED.name)
    assert found.raised_at
    assert told_of_it(admin, found)
    # It is late, and not changed.
    assert verify_on(now).deviations == 0


def test_the_empty_log_verifies(now):
    assert verify_on(now).ended_at == now
    assert finding(now) is None
