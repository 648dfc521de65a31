"""The doctor makes a change and times it to its hearer; and what it says is about nobody."""

import pytest
from django.core.management import call_command

from portal.management.doctor import round_trip
from portal.management.doctor.finding import State
from portal.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def a_slow_machine_is_no_slow_engine(monkeypatch):
    for bound in ("START_SECONDS", "PATIENCE_SECONDS", "SLOW_SECONDS", "DOWN_SECONDS"):
        monkeypatch.setattr(round_trip, bound, 60.0)


def test_a_change_is_timed_from_its_commit_to_its_hearer(log, relays, clinic):
    relays()
    found = list(round_trip.look(clinic.slug))
    assert [f.state for f in found] == [State.OK] * 3, found
    assert found[0].what.startswith("A hub of the doctor's own (no web process took part")
    assert found[1].what == "Another organization heard none of it"
    assert "hides the 3 events" in found[2].what


def test_a_slow_change_is_a_warning_and_a_very_slow_one_a_problem(log, relays, clinic, monkeypatch):
    relays()
    monkeypatch.setattr(round_trip, "SLOW_SECONDS", 0.0)
    assert next(round_trip.look(clinic.slug)).state is State.WARNING
    monkeypatch.setattr(round_trip, "DOWN_SECONDS", 0.0)
    assert next(round_trip.look(clinic.slug)).state is State.PROBLEM


def test_each_try_says_so_in_the_audit_log(log, relays, clinic, system):
    def entries():
        with system():
            found = AuditEntry.objects.filter(action=round_trip.ACTION)
            return [(entry.actor_id, entry.patient_id, entry.detail) for entry in found]

    relays()
    before = entries()
    list(round_trip.look(clinic.slug))
    assert entries() == [*before, *[(None, None, {})] * 3]


def test_a_change_that_nobody_relays_is_not_heard(log, clinic, monkeypatch):
    monkeypatch.setattr(round_trip, "PATIENCE_SECONDS", 0.5)
    found = list(round_trip.look(clinic.slug))
    assert found[0].state is State.PROBLEM
    assert "3 of 3 changes were not heard" in found[0].what


def test_a_log_that_hides_nothing_is_found(log, relays, clinic, broken, settings):
    relays()
    app = settings.APP_ROLE
    with broken(
        f"CREATE POLICY open ON realtime_events FOR SELECT TO {app} USING (true)",
        mended="DROP POLICY open ON realtime_events",
    ):
        assert "The log shows its events to whoever is nobody" in [
            f.what for f in round_trip.look(clinic.slug)
        ]


def test_an_organization_that_is_not_there_is_told():
    (found,) = round_trip.look("nowhere")
    assert found.what.startswith("There is no organization nowhere")


def test_the_doctor_says_nothing_of_anybodys_record(cast, capsys, log, relays):
    relays()
    with pytest.raises(SystemExit):
        call_command("doctor", "--roundtrip", "--organization", "harbour")
    out = capsys.readouterr().out
    for word in ("Ana", "Ruiz", "4471", "ada@", cast.ada.user.email):
        assert word not in out
