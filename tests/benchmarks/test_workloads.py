"""Each workload of the benchmark, at a size that proves nothing but that it measures."""

import math
import shutil

import pytest

from benchmarks.contestants import Channels, Floor
from benchmarks.crowd import Spread
from benchmarks.ear import Seat, stamp, text_frame
from benchmarks.report import Report
from benchmarks.workloads.beside_pages import beside_pages
from benchmarks.workloads.catch_up import Size as LogSize
from benchmarks.workloads.catch_up import catch_up
from benchmarks.workloads.come_and_go import come_and_go
from benchmarks.workloads.fan_out import Size, fanned, paced, spread_out
from benchmarks.workloads.feed import feed
from benchmarks.workloads.herd import herd
from benchmarks.workloads.revoke import WAYS, revoke
from benchmarks.workloads.write_tax import ARMS, write_tax

SIZE = Size(
    topics=4, rate=20, sockets=8, many_sockets=8, slow_rate=10, seconds=0.3, long_seconds=0.3
)


def sane(figures):
    """Numbers that a measurement may bring."""
    assert figures
    assert all(math.isfinite(value) and value >= 0 for value in figures.values()), figures
    return figures


@pytest.fixture(params=["ours", "floor", "channels"])
def contestant(request, stage):
    if request.param == "ours":
        return request.getfixturevalue("portal")
    return {
        "floor": Floor(stage),
        "channels": Channels(stage, "daphne", "pubsub"),
    }[request.param]


def test_every_change_of_a_fan_out_is_heard_once(contestant):
    contestant.start()
    try:
        figures = paced(contestant, SIZE)
        figures |= fanned(contestant, SIZE, SIZE.sockets)
        figures |= spread_out(contestant, SIZE)
    finally:
        contestant.stop()
    sane(figures)
    assert [figures[name] for name in ("w1_lost", "w2_lost", "w3_lost")] == [0, 0, 0]
    assert figures["w1_p50"] > 0


def test_changes_are_heard_while_pages_are_made(portal):
    portal.start()
    try:
        figures = sane(beside_pages(portal, SIZE))
    finally:
        portal.stop()
    assert figures["w1p_lost"] == 0
    assert figures["w1p_page"] > 0


def test_a_herd_comes_back_and_has_missed_nothing(portal):
    figures = sane(herd(portal, 12))
    assert (figures["w7_back"], figures["w7_missing"]) == (12, 0)
    assert figures["w4_connections"] > 0


def test_each_clinician_hears_of_a_fifth(stage, clinic):
    from benchmarks.contestants import Portal
    from benchmarks.population import Clinic

    ward = Clinic(f"{clinic.row.slug}-ward")
    ward.admit(5, with_page=False)
    ward.employ(6)
    patients = [str(patient.pk) for patient in ward.patients]
    lines = feed(Portal(stage, ward.visitors), patients, (3, 6), (40,), seconds=0.4)
    assert [sane(line)["w8_users"] for line in lines] == [3, 6]
    assert all(line["w8_deliveries"] > 0 for line in lines)


def test_every_page_is_told_that_a_right_ended(stage, clinic):
    from benchmarks.contestants import Portal
    from benchmarks.population import Clinic

    wing = Clinic(f"{clinic.row.slug}-wing")
    wing.admit(5, with_page=True)
    patients, wing.visitors = wing.visitors, []
    wing.employ(2 * 6)
    lines = revoke(Portal(stage, wing.visitors), wing.visitors, patients, 2)
    assert [line["revoke_way"] for line in lines] == list(WAYS)
    assert all(line["revoke_count"] == 2 for line in lines)
    assert all(0 < line["revoke_p50"] < math.inf for line in lines)


def test_pages_come_and_go_until_nothing_is_held(portal):
    figures = sane(come_and_go(portal, warm=1, rounds=2, pages=6))
    assert figures["leave_pages"] == 12
    assert figures["leave_last_mib"] > 0


def test_what_was_missed_comes_whole_from_memory_and_from_the_log(portal):
    figures = sane(catch_up(portal, LogSize(events=400, missed=40, rounds=1)))
    assert min(figures[f"w6_{way}_ms"] for way in ("memory", "log", "thin")) > 0


def test_every_arm_of_the_write_tax_writes(portal):
    figures = sane(write_tax(portal, writers=(2,), rounds=1, seconds=1, settling=0))
    assert all(figures[f"w5_{arm}_2"] > 0 for arm in ARMS)
    # No slower here, where nothing is flushed: `commit_delay` waits before a flush.
    assert all(figures[f"w5_{arm}_2_slow"] > 0 for arm in ARMS)


def test_a_report_holds_what_was_found(tmp_path):
    report = Report()
    for who, millis in (("Vigil", 1.0), ("floor", 0.5), ("Vigil", 3.0)):
        report.took(who, {"w1_p50": millis, "w2_cpu": 4.0})
    report.alone = {"w4_kib": 12.5}
    table = report.table()
    assert "| Vigil | 2.00 | 4.00 |" in table
    assert "| floor | 0.25 | 1.00 |" in table
    assert report.keep(tmp_path).read_text().count("w4_kib") == 1


def test_a_stamp_says_when_it_was_made():
    before, after = stamp(), stamp()
    assert before.int & 2**60 - 1 <= after.int & 2**60 - 1


def test_a_frame_of_the_client_is_masked():
    assert text_frame("hi") == b"\x81\x82\0\0\0\0hi"
    assert text_frame("x" * 300)[:4] == b"\x81\xfe\x01\x2c"
    assert Seat((1,), "/").ready == b""


def test_nothing_heard_is_no_number():
    assert math.isnan(Spread.of([]).p50)
    assert Spread.of([1_000_000, 3_000_000]).p50 == 2.0


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
def test_the_javascript_of_the_peers_parses():
    import subprocess

    from benchmarks.stage import ROOT

    for path in (ROOT / "benchmarks" / "peers" / "node").glob("*.js"):
        subprocess.run(["node", "--check", path], check=True)
