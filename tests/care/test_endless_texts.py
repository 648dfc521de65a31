"""What senders write may be a megabyte long, and is read in the time that it takes to read it once.

Python holds the interpreter while it looks for a pattern: a quadratic one stops the process, with
the sockets of everybody in it.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alerts.cultures import grew
from care.analytes import LOINC
from care.errors import ReadingError
from care.fhir.care_plan import _TAGS
from care.numerals import numeral_of
from care.reported import Reported, kept
from care.units import written

PIECES = (
    "{",
    "(",
    "{(",
    "a",
    "1",
    ".",
    "1.",
    "1,",
    "10*",
    "mg/",
    " ",
    "1 ",
    "<",
    "H ",
    "bacterial ",
    "no ",
    "\n",
)
NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_a_text_without_end_is_read_at_once(piece):
    for text in (piece * 100_000, f"5 {piece * 100_000}", f"{piece * 100_000} 5"):
        grew(text)
        written(text)
        _TAGS.sub("", text)
        for code in ("2823-3", "80288-4", "6690-2"):
            for parts in ({"text": text}, {"value": Decimal(5), "unit": text}):
                try:
                    kept(Reported(code, code_system=LOINC, measured_at=NOW, **parts), now=NOW)
                except ReadingError:
                    continue


def test_a_number_keeps_its_words_however_many():
    found = numeral_of("6.8 H  hemolyzed, " + "phoned again, " * 100)
    assert found.number == Decimal("6.8")
    assert found.rest == "hemolyzed, " + " ".join(["phoned again,"] * 100)
