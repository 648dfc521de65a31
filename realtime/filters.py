"""The filter of a binding: `column=[not.]op.value`, joined by commas, all of which must hold.

Parsed and compiled once, at the join, against the published columns of the table; judged in memory
for each event. SQL's three-valued logic is kept: a comparison with NULL is neither true nor false,
and only what is true is delivered. A column that is missing from the change altogether (a record
too large to travel is told by its key alone) is a fourth outcome, so that the reader can be told to
fetch instead of hearing nothing.

Pure, and nothing a client sends can make it slow (see `realtime.patterns`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from realtime.errors import InvalidFilter
from realtime.patterns import PatternError, like, regular_expression
from realtime.values import TEXTUAL, Comparable, reader_of

LONGEST_FILTER = 4_000  # characters
MOST_CONDITIONS = 20
MOST_VALUES = 100  # of one `in`

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "neq": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
}
_PATTERNS = ("like", "ilike", "match", "imatch")
_IS = {"null": None, "true": True, "false": False, "unknown": None}


class Verdict(Enum):
    """What a filter says about a record."""

    HOLDS = "holds"
    FAILS = "fails"
    # A column that the filter needs did not travel.
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Condition:
    """One `column=op.value`; `holds` maps the column's JSON value to true, false or unknown."""

    column: str
    holds: Callable[[object], bool | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all be true of a record."""

    conditions: tuple[Condition, ...]

    def judge(self, record: Mapping[str, Any]) -> Verdict:
        """Whether the record passes. Costs one comparison per condition until one fails."""
        verdict = Verdict.HOLDS
        for condition in self.conditions:
            if condition.column not in record:
                verdict = Verdict.UNTOLD
            elif not _is_true(condition, record[condition.column]):
                return Verdict.FAILS
        return verdict


def _is_true(condition: Condition, value: object) -> bool:
    try:
        return condition.holds(value) is True
    except ValueError:
        # A value that is not of its column's type: say nothing rather than guess.
        return False


def parse(text: str, columns: Mapping[str, str]) -> Filter:
    """Compile a filter for a table whose published columns have these types.

    An empty text is a filter that everything passes. Raises InvalidFilter.
    """
    if len(text) > LONGEST_FILTER:
        raise InvalidFilter(f"filter is longer than {LONGEST_FILTER} characters")
    if not text.strip():
        return Filter(())
    segments = [segment.strip() for segment in _split(text)]
    if len(segments) > MOST_CONDITIONS:
        raise InvalidFilter(f"filter has more than {MOST_CONDITIONS} conditions")
    return Filter(tuple(_condition(segment, columns) for segment in segments))


def _split(text: str) -> Iterator[str]:
    """Cut at the commas that are neither in parentheses nor in a quoted value."""
    start = depth = 0
    quoted = False
    i = 0
    while i < len(text):
        character = text[i]
        if quoted:
            if character == "\\":
                i += 1
            elif character == '"':
                quoted = False
        elif character == '"' and i and text[i - 1] in ".(,":
            # Only here does a quote open a value; elsewhere it is a character like any other.
            quoted = True
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == "," and depth == 0:
            yield text[start:i]
            start = i + 1
        i += 1
    if quoted:
        raise InvalidFilter("a quoted value is not closed")
    yield text[start:]


def _condition(segment: str, columns: Mapping[str, str]) -> Condition:
    column, equals, rest = segment.partition("=")
    column = column.strip()
    if not equals or not column:
        raise InvalidFilter(f"a condition is column=op.value, not {segment!r}")
    type_name = columns.get(column)
    if type_name is None:
        raise InvalidFilter(f"invalid column for filter {column}")
    operator, dot, value = rest.strip().partition(".")
    negated = operator == "not"
    if negated:
        operator, dot, value = value.partition(".")
    if not dot:
        raise InvalidFilter(f"a condition is column=op.value, not {segment!r}")
    holds = _holds(operator, value, type_name)
    if not negated:
        return Condition(column, holds)

    def refuted(found: object) -> bool | None:
        outcome = holds(found)
        return None if outcome is None else not outcome

    return Condition(column, refuted)


def _holds(operator: str, value: str, type_name: str) -> Callable[[object], bool | None]:
    if operator == "is":
        return _is(value, type_name)
    if operator in _PATTERNS:
        return _like_or_match(operator, _unquoted(value), type_name)
    read = reader_of(type_name)
    if operator in _COMPARISONS or operator in ("in", "isdistinct"):
        if read is None:
            raise InvalidFilter(f"columns of type {type_name} can only be asked for is.null")
    else:
        raise InvalidFilter(f"unknown operator {operator!r}")
    if operator == "in":
        return _in([_literal(read, item, type_name) for item in _items(value)], read)
    literal = _literal(read, _unquoted(value), type_name)
    if operator == "isdistinct":
        return lambda found: found is None or read(found) != literal
    compare = _COMPARISONS[operator]
    return lambda found: None if found is None else compare(read(found), literal)


def _literal(read: Callable[[object], Comparable], text: str, type_name: str) -> Comparable:
    try:
        return read(text)
    except ValueError:
        raise InvalidFilter(f"{text!r} is not a value of type {type_name}") from None


def _in(
    literals: list[Comparable], read: Callable[[object], Comparable]
) -> Callable[[object], bool | None]:
    wanted = frozenset(literals)
    if not wanted:
        # Of nothing even NULL is certainly none.
        return lambda found: False
    return lambda found: None if found is None else read(found) in wanted


def _is(value: str, type_name: str) -> Callable[[object], bool | None]:
    word = value.strip().lower()
    if word not in _IS:
        raise InvalidFilter("is takes null, true, false or unknown")
    if word != "null" and type_name != "bool":
        raise InvalidFilter(f"is.{word} needs a boolean column, not {type_name}")
    wanted = _IS[word]
    return lambda found: found is wanted


def _like_or_match(operator: str, value: str, type_name: str) -> Callable[[object], bool | None]:
    if type_name not in TEXTUAL:
        raise InvalidFilter(f"{operator} needs a text column, not {type_name}")
    ignore_case = operator.startswith("i")
    try:
        if operator.endswith("like"):
            matches = like(value, ignore_case=ignore_case)
        else:
            matches = regular_expression(value, ignore_case=ignore_case)
    except PatternError as error:
        raise InvalidFilter(f"invalid pattern for {operator}: {error}") from None
    return lambda found: matches(found) if isinstance(found, str) else None


def _items(value: str) -> list[str]:
    text = value.strip()
    if not text.startswith("(") or not text.endswith(")") or len(text) < 2:
        raise InvalidFilter("in takes a list in parentheses")
    inner = text[1:-1]
    if not inner.strip():
        return []
    # A leading comma makes the first item look like the others to the rule on quotes.
    items = [_unquoted(item.strip()) for item in list(_split("," + inner))[1:]]
    if len(items) > MOST_VALUES:
        raise InvalidFilter(f"in takes at most {MOST_VALUES} values")
    return items


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL):
        raise InvalidFilter("a quoted value is not closed")
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
