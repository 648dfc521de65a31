"""The trend of one thing: rings, marks and the table twin, for vital signs and results alike."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from care.analytes import LABORATORY
from care.models import Encounter, Procedure, Result, VitalSign
from care.plots.overlay import Band, Mark, Overlay, Ring, forget, overlay_of, register
from care.readings import judged, reading_of
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, PULSE, SYSTOLIC, Limits

POTASSIUM = (
    Band("2823-3", Limits(high=Decimal("2.8")), Ring.CRITICAL),
    Band("2823-3", Limits(low=Decimal("6.0")), Ring.CRITICAL),
)


@pytest.fixture
def result(system):
    """`result(ana, "2823-3", "6.4", hours=3)`: a laboratory result three hours ago."""

    def result(person, code, value, *, hours=1.0, **fields):
        with system(person.organization):
            return Result.objects.create(
                organization=person.organization,
                patient=person.patient,
                category="laboratory",
                code=code,
                display=fields.pop("display", "Potassium"),
                value=value and Decimal(value),
                unit="mmol/L",
                measured_at=timezone.now() - timedelta(hours=hours),
                **fields,
            )

    return result


@pytest.fixture
def overlay():
    """`overlay(bands=…, marks=…)`: what an app above says about every trend."""
    registered = []

    def overlay(**said):
        def source(patient, reader, codes, since):
            return Overlay(**said)

        register(source)
        registered.append(source)

    yield overlay
    for source in registered:
        forget(source)


def trend_of(client_for, person, row):
    address = reverse("care:result_trend", args=[row.patient_id, row.pk])
    return client_for(person).get(f"{address}?span=all").content.decode()


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        ("2.79", "critically-low"),
        ("2.8", "critically-low"),
        ("2.81", "low"),
        ("3.49", "low"),
        ("3.5", ""),
        ("5.1", ""),
        ("5.11", "high"),
        ("5.99", "high"),
        ("6.0", "critically-high"),
        ("6.01", "critically-high"),
    ],
)
def test_each_ring_begins_at_its_very_edge(value, flag):
    row = Result(
        code="6298-4", category="laboratory", value=Decimal(value), unit="mmol/L",
        range_low=Decimal("3.5"), range_high=Decimal("5.1"), measured_at=timezone.now(),
    )  # fmt: skip
    assert judged(reading_of(row, age=40), POTASSIUM).flag == flag


@pytest.mark.parametrize(
    ("systolic", "diastolic", "flags"),
    [
        ("180", "85", ("critically-high", "")),
        ("179", "121", ("high", "critically-high")),
        ("179", "119", ("high", "high")),
    ],
)
def test_each_half_of_a_pressure_has_its_own_rings(systolic, diastolic, flags):
    row = VitalSign(
        code=BLOOD_PRESSURE, category="vital-signs", measured_at=timezone.now(),
        components=[{"code": SYSTOLIC, "value": systolic}, {"code": DIASTOLIC, "value": diastolic}],
    )  # fmt: skip
    bands = [
        Band(SYSTOLIC, Limits(low=Decimal(180)), Ring.CRITICAL),
        Band(DIASTOLIC, Limits(low=Decimal(120)), Ring.CRITICAL),
    ]
    assert judged(reading_of(row, age=40), bands).flags == flags


def test_what_was_put_aside_is_in_no_ring():
    row = VitalSign(
        code=PULSE, category="vital-signs", value=Decimal(900), is_implausible=True,
        measured_at=timezone.now(),
    )  # fmt: skip
    band = Band(PULSE, Limits(low=Decimal(150)), Ring.CRITICAL)
    assert judged(reading_of(row, age=40), [band]).said == "not used, unlikely"


def test_plot_and_table_say_the_same(client_for, ana, ada, result, overlay):
    overlay(bands=POTASSIUM)
    result(ana, "6298-4", "4.4", hours=50)
    result(ana, "2823-3", "2.7", hours=26)
    page = trend_of(client_for, ada, result(ana, "2823-3", "6.4"))
    # Both codes of one analyte are one trend.
    assert page.count("<tr>") == 1 + 3
    for said in ("6.4 mmol/L, critically high", "2.7 mmol/L, critically low"):
        assert said in page
    assert '<span aria-hidden="true">↑↑</span> critically high' in page
    assert '<span aria-hidden="true">↓↓</span> critically low' in page
    assert "Critical by the rules in force: 2.8 or less, 6 or more mmol/L." in page
    assert page.count('class="plot__limit"') == 2


def test_what_happened_is_on_the_plot_and_between_the_readings(
    client_for, ana, ada, result, overlay, system
):
    result(ana, "2823-3", "4.4", hours=50)
    last = result(ana, "2823-3", "4.5")
    now = timezone.now()
    about = {"organization": ana.organization, "patient": ana.patient}
    with system():
        Procedure.objects.create(
            **about, display="Total knee replacement", status="completed",
            performed_at=now - timedelta(hours=20),
        )  # fmt: skip
        Encounter.objects.create(
            **about, display="Check of the wound", status="finished",
            starts_at=now - timedelta(hours=10),
        )  # fmt: skip
    overlay(marks=(Mark(now - timedelta(hours=5), "Potassium 6.4", "alert"),))
    page = trend_of(client_for, ada, last)
    for mark in ("Operation: Knee operation", "Visit: Check of the wound", "Alert: Potassium 6.4"):
        assert mark in page
    table = page[page.index("<tbody>") :]
    order = [table.index(each) for each in ("4.5", "6.4", "Check of", "Knee operation", "4.4")]
    assert order == sorted(order)
    # Patients see what their readings were; what the team marks is the team's.
    assert "Check of the wound" not in trend_of(client_for, ana, last)


def test_words_have_a_table_and_no_plot(client_for, ana, ada, result):
    row = result(ana, "600-7", None, text_value="Staphylococcus aureus", display="Blood culture")
    page = trend_of(client_for, ada, row)
    assert "Staphylococcus aureus" in page
    assert "plot__canvas" not in page


def test_what_was_put_aside_is_in_the_table_and_not_in_the_plot(
    client_for, ana, ada, record_reading
):
    record_reading(ana, PULSE, 72, hours=3)
    record_reading(ana, PULSE, 740, hours=2, is_implausible=True)
    page = client_for(ada).get(reverse("care:trend", args=[ana.patient.pk, PULSE])).content.decode()
    assert "740" in page[page.index("<tbody>") :]
    assert "not used, unlikely" in page
    assert page.count('<circle class="plot__point') == 1
    assert "A newer reading, 740 /min, is not used" in page


def test_a_result_of_another_patient_has_no_trend(client_for, ana, boris, ada, ben, result):
    row = result(ana, "2823-3", "4.4")
    address = reverse("care:result_trend", args=[ana.patient.pk, row.pk])
    assert client_for(boris).get(address).status_code == 404
    # Her own patient's address does not open another's result.
    with_ben = reverse("care:result_trend", args=[ben.patient.pk, row.pk])
    assert client_for(boris).get(with_ben).status_code == 404
    assert client_for(ada).get(address).status_code == 200


def test_a_source_answers_for_the_reader_and_codes_it_was_asked_about(ana, ada):
    asked = []

    def source(patient, reader, codes, since):
        asked.append((patient, reader, codes))
        return Overlay()

    register(source)
    register(source)
    try:
        overlay_of(ana.patient, ada.reader, frozenset({"2823-3"}), None)
    finally:
        forget(source)
    assert asked == [(ana.patient, ada.reader, frozenset({"2823-3"}))]


def test_no_code_of_a_test_is_in_an_address(client_for, ana, ada, result):
    result(ana, "2823-3", "4.4")
    address = reverse("care:panel_laboratory", args=[ana.patient.pk])
    page = client_for(ada).get(address).content.decode()
    assert all(code not in page for analyte in LABORATORY for code in analyte.codes)
