"""Numbers that come as text: read where they can mean one number only."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.numerals import numeral_of


@pytest.mark.parametrize(
    ("text", "comparator", "number", "rest"),
    [
        ("6.4", "", "6.4", ""),
        (" 6.4 ", "", "6.4", ""),
        ("6.", "", "6", ""),
        (".5", "", "0.5", ""),
        ("-1.5", "", "-1.5", ""),
        ("1.2E3", "", "1200", ""),
        ("> 600", ">", "600", ""),
        ("<=5", "<=", "5", ""),
        ("≤ 5", "<=", "5", ""),
        ("GREATER THAN 600", ">", "600", ""),
        ("less than or equal to 5", "<=", "5", ""),
        ("6,4", "", "6.4", ""),
        ("6,45", "", "6.45", ""),
        ("0,345", "", "0.345", ""),
        ("6.4 H", "", "6.4", ""),
        ("6.4 (HH)", "", "6.4", ""),
        ("6.4H*", "", "6.4", ""),
        ("*6.4", "", "6.4", ""),
        ("6.4 mmol/L", "", "6.4", "mmol/L"),
        ("6.4 mmol/L H", "", "6.4", "mmol/L"),
        ("120 mm Hg", "", "120", "mm Hg"),
        ("15 10*3/uL", "", "15", "10*3/uL"),
        ("6.4 (hemolyzed)", "", "6.4", "(hemolyzed)"),
        ("3-4", "", "3", "-4"),
    ],
)
def test_what_a_text_begins_with(text, comparator, number, rest):
    found = numeral_of(text)
    assert (found.comparator, found.number, found.rest) == (comparator, Decimal(number), rest)
    assert not found.is_of_a_word


@pytest.mark.parametrize(
    "text", ["6,400", "1,200", "1,200.5", "1.200,5", "1 200", "1'200", "6.4 4"]
)
def test_what_could_be_two_numbers_is_none(text):
    assert numeral_of(text).number is None


@pytest.mark.parametrize("text", ["1:128", "2+", "24h urine", "20/11/2026", "1st"])
def test_the_beginning_of_a_word_is_told_apart(text):
    assert numeral_of(text).is_of_a_word


@pytest.mark.parametrize("text", ["", "Hemolyzed", "H 6.4", ">", "NaN", "Infinity", "See note 4"])
def test_words_are_no_number(text):
    assert numeral_of(text) is None


@given(st.decimals(-9999, 9999, places=3))
def test_a_number_reads_as_itself(number):
    assert numeral_of(f"{number:f}").number == number


@given(st.text(alphabet="<>=≤ 0123456789.,'eE-+HL*()mgd/", max_size=20))
def test_any_text_is_read_or_not(text):
    found = numeral_of(text)
    assert found is None or found.number is None or found.number.is_finite()
