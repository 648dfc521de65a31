"""Tables of figures on the smallest phone: every figure is seen, and none is pushed aside."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from portal.operations.figures import per_cent
from tests.browser.test_narrow import NOT_SEEN

SMALLEST = {"width": 320, "height": 640}


@pytest.fixture
def busy(server, system):
    """A web process of which much was measured, and from which much was refused."""
    from portal.operations.measures import HubMeasures
    from portal.operations.models import Grain
    from portal.operations.sampling import keep_hub
    from realtime.tally import Totals

    hour = Totals(
        closed=Counter({1006: 1234, 4401: 12}),
        refused=Counter({"Unauthorized": 7}),
        turned_away=Counter({429: 3}),
        pages_turned_away=30,
    )
    now = timezone.now()
    with system():
        # What happened is the difference between two looks.
        for seconds, totals in ((20, Totals()), (0, hour)):
            measured = HubMeasures(
                sockets=12_345, channels=12_345, by_organization={}, unsent_bytes=54_321_000,
                position=900, is_fresh=False, bus_is_down=False, totals=totals, hour=totals,
                lately=totals, usual_sockets=None,
            )  # fmt: skip
            keep_hub(measured, now - timedelta(seconds=seconds), Grain.COARSE, run="busy")


def seen_whole(page, label):
    table = page.get_by_role("region", name=label)
    expect(table).to_be_visible()
    assert table.evaluate(NOT_SEEN) == []


def test_of_the_operations_page(visit, busy, admin):
    page = visit(admin, "/operations/", viewport=SMALLEST)
    for label in ("Measures", "Processes", "Codes"):
        seen_whole(page, f"{label}, in a table")
    expect(page.get_by_role("row", name="Page refused")).to_contain_text("30")


def test_of_the_longest_a_measure_can_say(visit, busy, admin):
    page = visit(admin, "/operations/", viewport=SMALLEST)
    table = page.get_by_role("region", name="Measures, in a table")
    expect(table).to_be_visible()
    # In one turn with looking: the page fetches them anew every few seconds.
    said = """scroll => {
      for (const now of scroll.querySelectorAll("[data-label=Now]")) now.textContent = WORDS
      return (NOT_SEEN)(scroll)
    }"""
    for words in (per_cent(0.0000012), per_cent(0.9997)):
        script = said.replace("WORDS", json.dumps(words)).replace("NOT_SEEN", NOT_SEEN)
        assert table.evaluate(script) == []


def test_of_the_report(visit, of_alert, ada):
    of_alert("Potassium"), of_alert("Urea")
    page = visit(ada, "/alerts/report/", viewport=SMALLEST)
    for label in ("Critical", "Urgent"):
        seen_whole(page, f"{label}: shares and times")
