"""PostgreSQL values, compared in Python as PostgreSQL compares them.

A filter is judged here, once per event and audience, instead of by a query per subscriber. What is
read is either the literal of a filter or a value out of a record's JSON; both become something
that Python orders as the column's type does. Types that are not listed can only be asked for NULL.
Text is ordered by code point (the collation "C").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

# Something with an order, or None for NULL.
Comparable = Any

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_NUMBER = re.compile(
    r"\s*[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?\s*"
)
_UUID = re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?")
_BOOLEANS = {
    **dict.fromkeys(("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"), True),
    **dict.fromkeys(("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"), False),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# NaN equals itself and is above everything; the infinities are above and below the rest.
_SPECIAL_NUMBERS = {
    **dict.fromkeys(("infinity", "+infinity", "inf", "+inf"), (1, Decimal(0))),
    **dict.fromkeys(("-infinity", "-inf"), (-1, Decimal(0))),
    "nan": (2, Decimal(0)),
}


def _integer(bits: int) -> Callable[[object], Comparable]:
    limit = 1 << (bits - 1)

    def read(value: object) -> Comparable:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
            raise ValueError("not an integer of this size")
        return value

    return read


def _number(value: object) -> Comparable:
    if isinstance(value, bool):
        raise TypeError("not a number")
    if isinstance(value, str):
        special = _SPECIAL_NUMBERS.get(value.strip().lower())
        if special is not None:
            return special
        if not _NUMBER.fullmatch(value):
            raise ValueError("not a number")
        return (0, Decimal(value.strip()))
    if isinstance(value, (int, Decimal)):
        return (0, Decimal(value))
    if isinstance(value, float):
        return (0, Decimal(repr(value)))
    raise ValueError("not a number")


def _float(value: object) -> Comparable:
    rank, number = _number(value)
    if rank == 0:
        try:
            number = Decimal(float(number))
        except OverflowError:
            raise ValueError("out of range") from None
        if not number.is_finite():
            raise ValueError("out of range")
    return (rank, number)


def _boolean(value: object) -> Comparable:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := _BOOLEANS.get(value.strip().lower())) is not None:
        return found
    raise ValueError("not a boolean")


def _text(value: object) -> Comparable:
    if not isinstance(value, str):
        raise TypeError("not text")
    if "\x00" in value:
        raise ValueError("text without NUL")
    return value


def _padded(value: object) -> Comparable:
    # char(n): trailing blanks do not count.
    return str(_text(value)).rstrip(" ")


def _uuid(value: object) -> Comparable:
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
        raise ValueError("not a uuid")
    if (value[0] == "{") != (value[-1] == "}"):
        raise ValueError("not a uuid")
    return value.lower().strip("{}").replace("-", "")


def _date(value: object) -> Comparable:
    text = str(_text(value)).strip().lower()
    if text in ("infinity", "-infinity"):
        return (1 if text == "infinity" else -1, _EPOCH.date())
    return (0, date.fromisoformat(text))


def _timestamp(value: object, *, zoned: bool) -> Comparable:
    text = str(_text(value)).strip()
    if text.lower() in ("infinity", "-infinity"):
        return (1 if text.lower() == "infinity" else -1, _EPOCH)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not zoned:
        # Our connections speak UTC; a timestamp without time zone ignores a zone it is given.
        at = at.replace(tzinfo=UTC)
    return (0, at.astimezone(UTC))


def _timestamptz(value: object) -> Comparable:
    return _timestamp(value, zoned=True)


def _timestamp_unzoned(value: object) -> Comparable:
    return _timestamp(value, zoned=False)


def _time(value: object) -> Comparable:
    return time.fromisoformat(str(_text(value)).strip()).replace(tzinfo=None)


_READERS: dict[str, Callable[[object], Comparable]] = {
    "int2": _integer(16),
    "int4": _integer(32),
    "int8": _integer(64),
    "numeric": _number,
    "float4": _float,
    "float8": _float,
    "bool": _boolean,
    "text": _text,
    "varchar": _text,
    "name": _text,
    "bpchar": _padded,
    "uuid": _uuid,
    "date": _date,
    "timestamptz": _timestamptz,
    "timestamp": _timestamp_unzoned,
    "time": _time,
}

TEXTUAL = frozenset({"text", "varchar", "name", "bpchar"})


def reader_of(type_name: str) -> Callable[[object], Comparable] | None:
    """The function that reads values of a column type; it raises ValueError for a value that is
    not of the type. None when values of the type cannot be compared here."""
    reader = _READERS.get(type_name)
    if reader is None:
        return None

    def read(value: object) -> Comparable:
        try:
            return reader(value)
        except (ArithmeticError, OverflowError, TypeError) as error:
            raise ValueError(str(error)) from None

    return read
