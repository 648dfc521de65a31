"""The dashboard of the staff on a phone: every patient whole, and a table all the same."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.people import eventually, is_live

WIDTHS = [320, 390]
LONG = "Maximiliane Featherstonehaugh-Wolfeschlegelstein"
PATIENTS = "#dashboard-patients"
# What of the table a reader would have to push aside to see, or could not see at all.
NOT_SEEN = """scroll => [scroll, ...scroll.querySelectorAll("tbody *")].filter((element) => {
  const { left, right } = element.getBoundingClientRect()
  const isCut = element.scrollWidth > element.clientWidth && element.clientWidth > 1
  return left < 0 || right > innerWidth || (isCut && getComputedStyle(element).display !== "inline")
}).map((element) => element.outerHTML.slice(0, 160))"""
WIDTH_OF_PAGE = "document.documentElement.scrollWidth"


@pytest.fixture
def measure(system, ana):
    """`measure("8867-4", 78)`: Ana's heart rate of now."""
    from care.models import VitalSign
    from care.vital_signs import kind_of

    def measure(code: str, value: str | int) -> None:
        kind = kind_of(code)
        with system():
            VitalSign.objects.create(
                organization=ana.organization,
                patient=ana.patient,
                category="vital-signs",
                code=code,
                display=kind.name,
                unit=kind.unit,
                value=Decimal(value),
                measured_at=timezone.now(),
            )

    return measure


@pytest.fixture
def phone(visit, system, ana, ada, measure):
    """`phone(390)`: the dashboard of Ada, who also looks after somebody with a long name."""
    from portal.models import CareTeamMembership, Patient

    with system():
        patient = Patient.objects.create(
            organization=ana.organization,
            name=LONG,
            mrn="MRN-0123456789",
            birth_on=date(1950, 1, 1),
        )
        CareTeamMembership.objects.create(
            organization=ana.organization, patient=patient, provider=ada.provider
        )
    measure("8867-4", 168)
    measure("59408-5", 81)
    measure("8310-5", "39.6")

    def phone(width: int) -> Page:
        page = visit(ada, "/dashboard/", viewport={"width": width, "height": 800})
        is_live(page)
        expect(page.locator(f"{PATIENTS} table")).to_be_visible()
        return page

    return phone


@pytest.mark.parametrize("width", WIDTHS)
def test_every_patient_is_seen_whole(phone, width):
    page = phone(width)
    table = page.locator(f"{PATIENTS} .table-scroll")
    expect(table).to_contain_text(LONG)
    expect(table).to_contain_text("MRN-0123456789")
    assert table.evaluate(NOT_SEEN) == []
    assert page.evaluate(WIDTH_OF_PAGE) == width


def test_a_screen_reader_is_told_of_rows_and_columns(phone):
    page = phone(390)
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    names: dict[str, list[str]] = {}
    for node in tree:
        if not node["ignored"]:
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value"))
    expected = [
        "Patient",
        "Last reading",
        "NEWS2",
        "BP mmHg",
        "HR /min",
        "SpO₂ %",
        "Temp °C",
        "Pain",
    ]
    assert names["columnheader"] == expected
    assert [name[:8] for name in names["rowheader"]] == ["Ana Ruiz", LONG[:8]]
    assert len(names["row"]) == 3
    # A word that stands above a value for the eye is not read out with it: the column has it.
    assert len(names["cell"]) == 2 * 7
    assert "168 high" in [" ".join(name.split()) for name in names["cell"]]


def test_a_new_reading_appears_where_the_old_one_stood(phone, measure):
    page = phone(390)
    name = page.get_by_role("link", name="Ana Ruiz")
    name.focus()
    place = page.locator(f"{PATIENTS} [data-label='HR /min']").first
    boxes = []
    # There is none while a refresh replaces it, the first one for instance.
    eventually(page, lambda: boxes.append(place.bounding_box()) or boxes[-1], "it stands there")
    measure("8867-4", 171)
    expect(place).to_contain_text("171")
    expect(name).to_be_focused()
    eventually(page, lambda: place.bounding_box() == boxes[-1], "it stands where it stood")


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_waiting_stands_on_the_first_line(phone, width):
    page = phone(width)
    middles = set()
    for each in (".brand__mark", ".live-badge", ".bell", ".account-button"):
        box = page.locator(f".app-header {each}").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        middles.add(round(box["y"] + box["height"] / 2, -1))
    assert len(middles) == 1, middles


def test_a_patient_reads_every_place_on_one_line(visit, ana):
    page = visit(ana, "/messages/", viewport={"width": min(WIDTHS), "height": 640})
    words = page.locator(".nav__link > span:not(.nav__count)")
    expect(words).to_have_count(5)
    heights = {words.nth(place).bounding_box()["height"] for place in range(5)}
    assert len(heights) == 1, heights
