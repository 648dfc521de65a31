"""The doctor's round trip over sockets to running web processes, also to one that hangs."""

import os
import signal

import pytest

from portal import round_trips
from portal.management.doctor import round_trip, site_round_trip
from portal.management.doctor.examination import Wishes, examine
from portal.management.doctor.finding import State
from portal.models import AuditEntry
from tests.browser.server import Server

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def a_slow_machine_is_no_slow_site(monkeypatch):
    monkeypatch.setattr(site_round_trip, "PATIENCE_SECONDS", 60.0)
    for bound in ("SLOW_SECONDS", "DOWN_SECONDS", "START_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(round_trip, bound, 60.0)


@pytest.fixture
def site(tmp_path, committed):
    """A web process with the relay inside it."""
    site = Server(tmp_path / "web.log")
    site.start()
    yield site
    os.kill(site.pid, signal.SIGCONT)
    site.stop()


def test_a_page_of_each_web_process_hears_a_change(site, clinic):
    found = list(site_round_trip.look(site.url, clinic.slug))
    assert [finding.state for finding in found] == [State.OK], found
    assert found[0].what.startswith("Web process ")
    assert f" {site.pid}: a page hears a change after " in found[0].what


def test_without_a_site_it_says_that_no_web_process_took_part(site, clinic):
    wishes = Wishes(("bus",), roundtrip=True, organization=clinic.slug)
    trips = [each.what for each in examine(wishes) if each.area == "round trip"]
    assert any("no web process took part" in what for what in trips)
    assert not any(what.startswith("Web process") for what in trips)


def test_with_a_site_both_are_told(site, clinic):
    wishes = Wishes(("bus",), roundtrip=True, organization=clinic.slug, site=f"{site.url}/")
    trips = [each.what for each in examine(wishes) if each.area == "round trip"]
    assert any("no web process took part" in what for what in trips)
    assert any(f" {site.pid}: a page hears" in what for what in trips)


def test_a_web_process_that_hangs_is_a_problem(site, clinic, monkeypatch):
    monkeypatch.setattr(site_round_trip, "PATIENCE_SECONDS", 0.5)
    os.kill(site.pid, signal.SIGSTOP)
    hanging, missing = list(site_round_trip.look(site.url, clinic.slug))
    assert hanging.state is State.PROBLEM
    assert "4 of 4 sockets were not answered" in hanging.what
    assert "docs/runbook.md" in hanging.mend
    assert missing.state is State.WARNING
    assert f" {site.pid}" in missing.what


def test_one_that_falls_silent_while_it_is_listened_to_is_a_problem(site, clinic, monkeypatch):
    write = site_round_trip._write

    def stopped_before(*change):
        os.kill(site.pid, signal.SIGSTOP)
        monkeypatch.setattr(site_round_trip, "PATIENCE_SECONDS", 0.5)
        return write(*change)

    monkeypatch.setattr(site_round_trip, "_write", stopped_before)
    (found,) = list(site_round_trip.look(site.url, clinic.slug))
    assert found.state is State.PROBLEM
    assert f" {site.pid}: 12 of 12 times a change was not heard" in found.what


def test_nobody_is_there_at_all(clinic):
    (found,) = list(site_round_trip.look("http://127.0.0.1:9", clinic.slug))
    assert found.state is State.PROBLEM
    assert "2 of 2 sockets were broken off (ConnectionRefusedError)" in found.what


def test_a_site_with_another_key_lets_it_in_nowhere(site, clinic, settings):
    settings.SECRET_KEY = "another key, of another site, and as long as Django wants it to be"
    refused, _ = list(site_round_trip.look(site.url, clinic.slug))
    assert refused.state is State.PROBLEM
    assert "4 of 4 sockets were refused with 401" in refused.what
    assert "SECRET_KEY" in refused.mend


def test_the_round_trip_is_on_record_from_end_to_end(site, clinic, system):
    list(site_round_trip.look(site.url, clinic.slug))
    with system():
        entries = AuditEntry.objects.filter(action__startswith="doctor.").order_by("at", "pk")
        acts = [entry.action for entry in entries]
        assert {(entry.actor_id, entry.patient_id) for entry in entries} == {(None, None)}
        joined = [entry.detail for entry in entries if entry.action == round_trips.JOINED]
    assert acts == [
        round_trips.BEGUN,
        *[round_trips.JOINED] * 4,
        *[round_trip.ACTION] * 3,
        round_trips.ENDED,
    ]
    assert {detail["socket"] for detail in joined} == {"1", "2", "3", "4"}
    assert all(detail["process"].endswith(f" {site.pid}") for detail in joined)
