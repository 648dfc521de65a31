"""What an ORU^R01 reports, whatever its laboratory's habits."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.management.hl7.messages import Unreadable, read
from portal.management.hl7.results import Reading, Unusable, readings_of, subject_of
from tests.hl7.samples import header, order, oru, patient, result, sample

ZONE = ZoneInfo("America/New_York")


def readings(*lines, zone=ZONE):
    found, _ = readings_of(read(oru(*lines)), zone)
    return found


def reading(*lines):
    (only,) = readings(*lines)
    assert isinstance(only, Reading), only
    return only


def refusal(*lines):
    (only,) = readings(*lines)
    assert isinstance(only, Unusable), only
    return only


def test_a_result_is_read():
    found = reading(result())
    assert (found.code, found.code_system, found.display) == (
        "2823-3",
        "http://loinc.org",
        "Potassium",
    )
    assert (found.value, found.unit, found.status) == (Decimal("4.1"), "mmol/L", "final")
    assert (found.range_low, found.range_high) == (Decimal("3.5"), Decimal("5.1"))
    assert found.measured.at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert found.identifier == ("urn:hl7v2:order:LAB|HILL", "77/2823-3")


# The shared samples --------------------------------------------------------------------------


def test_values_in_process_are_no_results_yet():
    found, passed_over = readings_of(read(sample("LAB-ORU-1.hl7")), ZONE)
    assert passed_over == 2
    assert [(each.code, each.value, each.unit, each.status) for each in found][:3] == [
        ("11273-0", Decimal("4.06"), "tera.l-1", "preliminary"),
        ("20570-8", Decimal("40.1"), "%", "preliminary"),
        ("11125-2", Decimal("221"), "giga.l-1", "final"),
    ]
    assert found[0].measured.at == datetime(2014, 10, 5, 23, 27, tzinfo=UTC)
    assert len(found) == 8


def test_the_final_report_has_the_same_identifiers():
    first, _ = readings_of(read(sample("LAB-ORU-1.hl7")), ZONE)
    final, passed_over = readings_of(read(sample("LAB-ORU-2.hl7")), ZONE)
    assert passed_over == 0
    assert {each.identifier for each in first} < {each.identifier for each in final}
    assert {each.status for each in final} == {"final"}


def test_pictures_and_what_is_in_process_are_passed_over():
    found, passed_over = readings_of(read(sample("ORU-R01-01.hl7")), ZONE)
    assert passed_over == 4
    (culture,) = found
    assert (culture.words, culture.value, culture.status) == ("Salmonella", None, "preliminary")
    assert not culture.measured.time_is_known


def test_whom_the_samples_are_about():
    assert subject_of(read(sample("LAB-ORU-1.hl7"))).record_numbers == ("10006579",)
    assert subject_of(read(sample("LAB-ORU-1.hl7"))).birth_on == date(1924, 10, 10)
    assert subject_of(read(sample("ORU-R01-01.hl7"))).record_numbers == ("14",)


# Values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "number", "comparator", "words"),
    [
        ("NM", "-1.50", "-1.50", "", ""),
        ("NM", "<0.01", "0.01", "<", ""),
        ("NM", ">= 600", "600", ">=", ""),
        ("SN", ">^600", "600", ">", ""),
        ("SN", "^600", "600", "", ""),
        ("SN", "=^600", "600", "", ""),
        ("SN", "^1^:^128", None, "", "1:128"),
        ("SN", "^10^-^20", None, "", "10-20"),
        ("ST", "Negative", None, "", "Negative"),
        ("CE", "260385009^Negative^SCT", None, "", "Negative"),
        ("CWE", "A^^L^^^^^^Text", None, "", "Text"),
        ("CWE", "A^Apple~B^Bean", None, "", "Apple, Bean"),
    ],
)
def test_kinds_of_value(kind, value, number, comparator, words):
    found = reading(result(value=value, kind=kind))
    assert found.value == (Decimal(number) if number else None)
    assert (found.comparator, found.words) == (comparator, words)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": "high"}, 5),
        ({"value": "NaN"}, 5),
        ({"value": "Infinity"}, 5),
        ({"value": "27~25"}, 5),
        ({"value": ""}, 5),
        ({"value": "x^5", "kind": "SN"}, 5),
        ({"kind": "XX"}, 2),
        ({"kind": ""}, 2),
        ({"code": ""}, 3),
        ({"status": ""}, 11),
        ({"status": "Q"}, 11),
        ({"at": "yesterday"}, 14),
        ({"at": "20261320"}, 14),
        ({"at": "99999999999999+9999"}, 14),
    ],
)
def test_what_cannot_be_taken_says_where(changes, field):
    assert refusal(result(**changes)).field == field


def test_a_reason_quotes_no_value():
    assert "CANARY" not in refusal(result(value="CANARY")).reason


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("F", "final"),
        ("P", "preliminary"),
        ("C", "corrected"),
        ("W", "entered-in-error"),
        ("D", "entered-in-error"),
        ("X", "cancelled"),
    ],
)
def test_statuses(status, means):
    assert reading(result(status=status)).status == means


@pytest.mark.parametrize("status", ["W", "X", "D"])
def test_what_is_taken_back_needs_no_value(status):
    assert reading(result(value="", status=status)).value is None


def test_loinc_is_preferred_among_two_codes():
    found = reading(result(code="K^Potassium^L^2823-3^K+^LN"))
    assert (found.code, found.display) == ("2823-3", "K+")
    assert reading(result(code="K^Potassium^L")).code_system == "L"


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [("3.5-5.1", "3.5", "5.1"), ("<5", None, "5"), (">= 2", "2", None), ("normal", None, None)],
)
def test_ranges(written, low, high):
    found = reading(result(range=written))
    assert found.range_low == (Decimal(low) if low else None)
    assert found.range_high == (Decimal(high) if high else None)


# Times ---------------------------------------------------------------------------------------


def test_a_time_without_offset_is_in_the_offset_of_the_message():
    message = read(
        "\r".join(
            [header(sent="20261120080000+0200"), patient(), order(), result(at="202611200700")]
        ).encode()
    )
    (found,), _ = readings_of(message, ZONE)
    assert found.measured.at == datetime(2026, 11, 20, 5, tzinfo=UTC)


def test_or_else_in_the_clinics():
    message = read(
        "\r".join(
            [header(sent="20261120080000"), patient(), order(), result(at="202611200700")]
        ).encode()
    )
    (found,), _ = readings_of(message, ZONE)
    assert found.measured.at == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_day_is_the_clinics_day():
    found = reading(result(at="20261120"))
    assert found.measured.at == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert not found.measured.time_is_known


def test_without_a_time_of_its_own_the_orders_counts_then_the_specimens():
    assert reading(result(at="")).measured.at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    lines = [
        header(),
        patient(),
        order(at=""),
        result(at=""),
        "SPM|1|||BLD|||||||||||||20261119230000+0000",
    ]
    (found,), _ = readings_of(read("\r".join(lines).encode()), ZONE)
    assert found.measured.at == datetime(2026, 11, 19, 23, tzinfo=UTC)


# Identity ------------------------------------------------------------------------------------


def test_the_same_test_twice_is_not_guessed_at():
    first, second = readings(result(value="4.1"), result(value="6.9"))
    assert first.value == Decimal("4.1")
    assert second.field == 4


def test_a_sub_id_tells_them_apart():
    first, second = readings(result(sub="1"), result(sub="2"))
    assert first.identifier != second.identifier


def test_lines_of_a_text_are_one_reading():
    line = {"code": "18748-4^Report^LN", "kind": "TX", "unit": ""}
    found = reading(result(value="First line.", **line), result(value="Second.", **line))
    assert found.words == "First line. Second."


def test_without_any_number_it_could_be_doubled_and_is_refused():
    message = read(f"{header()}\r{patient()}\r{result()}".encode())
    (found,), _ = readings_of(message, ZONE)
    assert isinstance(found, Unusable)
    assert found.field == 21


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("1^^^A^SS~2^^^A^MR", ("2",)),
        ("1^^^A^PI~2^^^A^MR", ("2",)),
        ("1^^^A^PI", ("1",)),
        ("1", ("1",)),
        ("1^^^A^MR~2^^^B^MR", ("1", "2")),
        ("1^^^A^SS", None),
        ("", None),
    ],
)
def test_which_number_is_the_record_number(numbers, expected):
    subject = subject_of(read(f"{header()}\rPID|1||{numbers}".encode()))
    assert (subject.record_numbers if subject else None) == expected


@given(st.lists(st.text(alphabet="NMSTCWEX|^~&0123456789.<>=-+ FPIC\\", max_size=60), max_size=6))
def test_any_result_is_read_or_refused(lines):
    try:
        found, _ = readings_of(read(oru(*(f"OBX|{line}" for line in lines))), ZONE)
    except Unreadable:
        return
    assert all(isinstance(each, Reading | Unusable) for each in found)
