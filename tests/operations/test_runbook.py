"""docs/runbook.md speaks of commands, areas, measures and bounds that exist."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from portal.management.doctor.examination import AREAS
from portal.operations import exposition, health
from portal.operations.anomalies import RULES
from portal.operations.measures import HubMeasures, StreamMeasures
from realtime.tally import Totals

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

HUB = HubMeasures(
    sockets=1, channels=1, by_organization={"o": 1}, unsent_bytes=0, position=1, is_fresh=True,
    bus_is_down=False, totals=Totals(refused={"a": 1}, closed={1006: 1}), hour=Totals(),
    lately=Totals(), usual_sockets=None,
)  # fmt: skip
STREAM = StreamMeasures(0.4, 1, 9, 0, 0.0, 0, 0.0)


def test_every_command_exists():
    named = set(re.findall(r"manage\.py (\w+)", RUNBOOK)) | set(
        re.findall(r"`(import_\w+)`", RUNBOOK)
    )
    assert named
    assert named <= set(get_commands())


def test_every_area_that_the_doctor_is_sent_to_exists():
    sent = re.findall(r"`(?:manage\.py )?doctor ((?:[a-z]+ ?)+)`", RUNBOOK)
    areas = {area for areas in sent for area in areas.split()}
    assert areas
    assert areas <= set(AREAS)


def test_every_measure_is_counted():
    counted, _ = exposition.written(HUB, STREAM)
    for name in set(re.findall(r"vigil_[a-z_]+[a-z]", RUNBOOK)):
        assert re.search(rf"^{name}\b", counted.decode(), re.MULTILINE), name


@pytest.mark.parametrize("check", health.judged(HUB, STREAM, 0)[1], ids=lambda check: check.name)
def test_every_bound_of_a_measure_in_time_or_number_is_in_the_table(check):
    rows = {
        "opening a socket, 95th percentile": "2–5 s",
        "opening a socket, 95th percentile, five minutes": "2–5 s",
        "delivery, 95th percentile": "0.5–2 s",
        "delivery, 99th percentile, five minutes": "> 1 s | > 5 s",
        "lost sockets, each socket and hour": "1–5",
        "sockets against the usual number": "> 2 × | > 4 ×",
        "relay's last sign of life": "> 2.5 s | > 10 s",
        "oldest change in the inbox": "> 0.5 s | > 2 s",
    }
    if check.name in rows:
        assert f"{check.yellow:g}" in rows[check.name]
        assert f"{check.red:g}" in rows[check.name]
        assert rows[check.name] in RUNBOOK


def test_what_leads_elsewhere_leads_somewhere():
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", RUNBOOK):
        assert (ROOT / "docs" / target).exists(), target


def test_administrators_are_told_of_what_the_runbook_says():
    told = {
        health.NO_HUB: "no web process at all",
        health.SILENT: "a web process that fell silent",
        health.OPENING_LATELY: "opening a socket > 5 s",
        health.TURNED_AWAY: "refused handshakes > 5 %",
        health.POLLING: "pages without a socket > 50 %",
        health.DELIVERY_LATELY: "percentile > 1 s",
        health.SPIKE: "sockets > 2 ×",
        health.BEAT: "sign of life > 10 s",
        health.OLDEST: "oldest change > 2 s",
        health.DEAD_LETTERS: "any dead letter",
        health.NOTIFY_QUEUE: "queue > 1 %",
        health.LOST: "sockets > 1,",
        health.REFUSED: "refused > 5 %",
        health.DELIVERED: "seconds < 95 %",
        health.BUS_DOWN: "a bus that is down",
        health.UNTOLD: "any alarm that no e-mail told of",
        health.AUDIT: "an audit log that does not verify",
        health.UNSEALED: "no seal for > 600 s",
    }
    said = " ".join(RUNBOOK.split())
    for rule in RULES:
        words = told.pop(rule.measure)
        assert words in said
        if number := re.search(r"\d+", words):
            assert float(number[0]) in (rule.bound, rule.bound * 100)
    assert not told
