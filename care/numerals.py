"""Numbers that come as text: “6.4”, “> 600”, “6,4 H”, “6.4 (hemolyzed)”. Pure.

Laboratories send many numbers as words (HL7 v2 ST, FHIR valueString). One that can mean one thing
only is read; one that can mean two, such as “6,400”, is not.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

_TEXT = re.compile(
    r"""
    \s* \*? \s*
    (?P<comparator> [<>]=? | [≤≥] | (?:greater|more|less)\ than(?:\ or\ equal\ to)? )? \s*
    (?P<figures>
        [-+]? (?: [0-9]+(?:[.,'][0-9]+)* | \.[0-9]+ )
        # A second group of figures; that of “15 10*3/uL” is a unit.
        (?: \s+ [0-9]+(?:[.,'][0-9]+)* (?![0-9.,'*^]) )*
    )
    (?P<power> [eE][-+]?[0-9]{1,2}(?!\w) )?
    (?P<rest> .* )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LONGEST = 200
# No column holds more.
_LARGEST = Decimal(10) ** 14
_COMPARATORS = {"≤": "<=", "≥": ">="}
_PLAIN = re.compile(r"[-+]?[0-9]*\.?[0-9]+")
# A comma is a decimal one where it cannot part thousands.
_DECIMAL_COMMA = re.compile(r"[-+]?(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))")
# What a laboratory puts beside a number to say how far out it is.
_FLAG = re.compile(r"(?:HH?|LL?|AA?|N|(?i:high|low|critical|crit|panic|abnormal|normal))?[*!]*")
# 1:128, 20/11/2026, 2+, 24h, 1st
_GOES_ON = re.compile(r"[\w+/:%^]")


@dataclass(frozen=True)
class Numeral:
    """A number at the beginning of a text, and what follows it, flags left out."""

    number: Decimal | None  # None: the figures can mean two numbers, or more than is ever measured
    comparator: str = ""
    rest: str = ""
    is_of_a_word: bool = False  # whose figures were only the beginning: “24h”


def numeral_of(text: str) -> Numeral | None:
    """The number that a text begins with; None when it begins with words."""
    text = " ".join(text.split())
    # A sender may write a megabyte; no number is as long as this.
    found = _TEXT.fullmatch(text[:_LONGEST])
    if found is None:
        return None
    rest = found["rest"] + text[_LONGEST:]
    joined, _, _ = f"{rest} ".partition(" ")
    return Numeral(
        _number(found["figures"], found["power"] or ""),
        _comparator(found["comparator"] or ""),
        " ".join(word for word in rest.split() if not _is_flag(word)),
        is_of_a_word=bool(_GOES_ON.match(joined)) and not _is_flag(joined),
    )


def _number(figures: str, power: str) -> Decimal | None:
    if _DECIMAL_COMMA.fullmatch(figures):
        figures = figures.replace(",", ".")
    if not _PLAIN.fullmatch(figures):
        return None
    number = Decimal(figures + power)
    return number if abs(number) < _LARGEST else None


def _comparator(written: str) -> str:
    words = written.casefold().split()
    if len(words) < 2:
        return _COMPARATORS.get(written, written)
    return ("<" if words[0] == "less" else ">") + ("=" if len(words) > 2 else "")


def _is_flag(word: str) -> bool:
    return _FLAG.fullmatch(word.strip("()[],;.")) is not None
