"""Holding one observation against one rule. Pure.

A rule that applies gives a *verdict*: met or not, for a condition. Of several verdicts on one
condition the most severe that is met counts; a condition on which all say “not met” has recovered.
So “not met” is said of what is known, and “met” of all that may be: of a value that is at least so
much, or of words that nobody can read, there is the one or no verdict.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from alerts.cultures import ANY_GROWTH, grew, says
from alerts.models import RuleKind, RuleOverride, RuleVersion, Severity
from care.analytes import Analyte, analyte_of
from care.errors import UnitRefused
from care.models.measurement import CRITICAL_FLAGS
from care.units import converted, expressed

# “HI” and “LO” are what a meter shows for what is beyond its scale.
_CALLED_CRITICAL = re.compile(r"\s*(?:hi|lo|high|low)\W*|.*\b(?:critical|panic)\b.*", re.I | re.S)

# Values earlier than this one, within a time: (code, since) gives values in the analyte's unit.
Earlier = Callable[[frozenset[str], datetime], Sequence[Decimal]]


class Bound(StrEnum):
    """On which side of its number a value may lie."""

    NONE = ""  # it is the number
    AT_LEAST = ">"
    AT_MOST = "<"
    UNCLEAR = "~"  # words follow the number


@dataclass(frozen=True)
class Value:
    """One number of an observation, or words, under its code; and the flag of its laboratory."""

    code: str
    number: Decimal | None
    unit: str = ""
    words: str = ""
    flag: str = ""
    bound: Bound = Bound.NONE

    @property
    def is_said(self) -> bool:
        """Whether there is a value at all."""
        return self.number is not None or bool(self.words)

    @property
    def is_called_critical(self) -> bool:
        """Whether its laboratory says so, by its flag or, as a glucose meter's “HI”, in words."""
        return self.flag in CRITICAL_FLAGS or _CALLED_CRITICAL.fullmatch(self.words) is not None


@dataclass(frozen=True)
class Observation:
    """What is judged: a measurement, a score, a questionnaire that was answered.

    `subject` is empty for measurements, `news2` for that score, else the questionnaire's key.
    """

    source_table: str
    source_id: UUID
    measured_at: datetime
    values: tuple[Value, ...]
    subject: str = ""
    has_three: bool = False


@dataclass(frozen=True)
class Person:
    """What a rule's population asks about a patient."""

    age: int
    programmes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """What a rule says of an observation."""

    rule: RuleVersion
    condition: str
    direction: str
    is_met: bool
    value: Decimal | None = None
    limit: Decimal | None = None
    # Not met, as far as is known: what was counted by mistake may be taken back, nothing is over.
    is_certain: bool = True

    @property
    def severity(self) -> Severity:
        return Severity(self.rule.severity)


def verdicts(
    rule: RuleVersion,
    person: Person,
    observation: Observation,
    *,
    now: datetime,
    override: RuleOverride | None = None,
    earlier: Earlier | None = None,
) -> list[Verdict]:
    """Every verdict of a rule on an observation; none when it does not apply.

    `earlier` is asked by rules about change; without it they do not apply.
    """
    if not is_about(rule, person) or (override is not None and override.is_muted):
        return []
    if now - observation.measured_at > timedelta(hours=rule.horizon_hours):
        return []
    low, high = _limits(rule, override)
    match rule.kind:
        case RuleKind.VALUE:
            return _of_value(rule, observation, low, high)
        case RuleKind.NEWS2 if observation.subject == "news2":
            return _of_news2(rule, observation, high)
        case RuleKind.CHANGE if earlier is not None:
            return _of_change(rule, observation, low, high, earlier)
        case RuleKind.ANSWER if observation.subject == rule.questionnaire:
            return _of_answer(rule, observation, low, high)
        case RuleKind.SILENCE if any(
            value.code in rule.codes and value.is_said for value in observation.values
        ):
            return [Verdict(rule, silence_of(rule), "", is_met=False)]
    return []


def worst_of(found: Iterable[Verdict]) -> dict[str, Verdict]:
    """For each condition that is met the verdict that counts: the most severe, the furthest out."""
    chosen: dict[str, Verdict] = {}
    for verdict in found:
        other = chosen.get(verdict.condition)
        if verdict.is_met and (other is None or _weight(verdict) > _weight(other)):
            chosen[verdict.condition] = verdict
    return chosen


def in_range(found: Sequence[Verdict]) -> frozenset[str]:
    """Conditions that were looked at and that every rule found, for certain, not met."""
    others = {verdict.condition for verdict in found if verdict.is_met or not verdict.is_certain}
    return frozenset(verdict.condition for verdict in found) - others


def silence_of(rule: RuleVersion) -> str:
    """The condition of a rule about hours without a reading."""
    return f"silence:{_key(rule, rule.codes[0] if rule.codes else '')}"


def is_about(rule: RuleVersion, person: Person) -> bool:
    """Whether a patient is one of the rule's population."""
    if rule.age_from is not None and person.age < rule.age_from:
        return False
    if rule.age_until is not None and person.age >= rule.age_until:
        return False
    return not rule.programme or rule.programme in person.programmes


def _limits(
    rule: RuleVersion, override: RuleOverride | None
) -> tuple[Decimal | None, Decimal | None]:
    if override is None:
        return rule.low, rule.high
    return (
        rule.low if override.low is None else override.low,
        rule.high if override.high is None else override.high,
    )


def _of_value(
    rule: RuleVersion, observation: Observation, low: Decimal | None, high: Decimal | None
) -> list[Verdict]:
    found = []
    for value in observation.values:
        if value.code not in rule.codes:
            continue
        if rule.words:
            found += _of_words(rule, value)
        if low is not None or high is not None:
            found += _of_number(rule, value, low, high)
    return found


def _of_words(rule: RuleVersion, value: Value) -> list[Verdict]:
    """Whether a result in words is what the rule asks for; nothing where it says neither."""
    analyte = analyte_of(value.code)
    asked = {word.casefold() for word in rule.words}
    if analyte is not None and analyte.key == "blood-culture" and asked & ANY_GROWTH:
        is_met = grew(value.words, value.flag)
    elif value.is_called_critical:
        is_met = True
    else:
        is_met = says(value.words, rule.words) if value.words else None
    condition = f"{_key(rule, value.code)}:found"
    return [] if is_met is None else [Verdict(rule, condition, "", is_met=is_met)]


def _of_number(
    rule: RuleVersion, value: Value, low: Decimal | None, high: Decimal | None
) -> list[Verdict]:
    key, number = _key(rule, value.code), _in_unit_of(rule, value)
    found = [] if number is None else _between(rule, key, number, low, high, value.bound)
    is_certain = number is not None and value.bound is Bound.NONE
    if value.is_called_critical and not is_certain and not any(each.is_met for each in found):
        # The laboratory would telephone, and there is nothing here to hold against the limits. A
        # condition of its own: no number of a later value says that this one is over.
        return [Verdict(rule, f"{key}:flagged", "", is_met=True)]
    return found


def _of_news2(rule: RuleVersion, observation: Observation, high: Decimal | None) -> list[Verdict]:
    (total,) = observation.values
    # An incomplete score is “at least” so much: it may alarm, and says nothing reassuring.
    is_whole = total.bound is Bound.NONE
    found = []
    if high is not None and total.number is not None:
        found.append(Verdict(rule, "news2", "high", total.number >= high, total.number, high))
    if rule.single_three:
        found.append(Verdict(rule, "news2", "high", observation.has_three, total.number, None))
    return [replace(each, is_certain=each.is_met or is_whole) for each in found]


def _of_change(
    rule: RuleVersion,
    observation: Observation,
    low: Decimal | None,
    high: Decimal | None,
    earlier: Earlier,
) -> list[Verdict]:
    found = []
    for value in observation.values:
        if value.code not in rule.codes or value.number is None or rule.hours is None:
            continue
        number = _in_unit_of(rule, value)
        since = observation.measured_at - timedelta(hours=float(rule.hours))
        before = [_from_own(rule, value.code, each) for each in earlier(_codes(rule), since)]
        if number is None or not before:
            continue
        key = _key(rule, value.code)
        changes = []
        if high is not None:
            rise = number - min(before)
            changes.append(Verdict(rule, f"{key}:rising", "high", rise >= high, rise, high))
        if low is not None:
            fall = max(before) - number
            changes.append(Verdict(rule, f"{key}:falling", "high", fall >= low, fall, low))
        # How much a value beyond the scale has changed is not known.
        is_certain = value.bound is Bound.NONE
        found += [change for change in changes if change.is_met or is_certain]
    return found


def _of_answer(
    rule: RuleVersion, observation: Observation, low: Decimal | None, high: Decimal | None
) -> list[Verdict]:
    key = f"{rule.questionnaire}:{rule.item or 'score'}"
    for value in observation.values:
        if value.code == rule.item and value.number is not None:
            return _between(rule, key, value.number, low, high)
    return []


def _between(
    rule: RuleVersion,
    key: str,
    number: Decimal,
    low: Decimal | None,
    high: Decimal | None,
    bound: Bound = Bound.NONE,
) -> list[Verdict]:
    found = []
    if low is not None:
        found.append(Verdict(rule, f"{key}:low", "low", number <= low, number, low))
    if high is not None:
        found.append(Verdict(rule, f"{key}:high", "high", number >= high, number, high))
    return _certain(found, bound)


def _certain(found: list[Verdict], bound: Bound) -> list[Verdict]:
    """Verdicts without those “not met” that the value may yet belie: “>5” is not “below 6”."""
    unknown = {Bound.NONE: (), Bound.AT_LEAST: ("high",), Bound.AT_MOST: ("low",)}
    sides = unknown.get(bound, ("high", "low"))
    return [verdict for verdict in found if verdict.is_met or verdict.direction not in sides]


def _in_unit_of(rule: RuleVersion, value: Value) -> Decimal | None:
    """The value in the rule's unit; None without a number, and when it cannot be compared for
    certain."""
    if value.number is None:
        return None
    analyte = analyte_of(value.code)
    if analyte is None or analyte.is_worded:
        return value.number if value.unit == rule.unit else None
    try:
        own = converted(value.number, value.unit, analyte)
        if value.bound is Bound.UNCLEAR and analyte.is_implausible(own):
            return None  # the year of a date, say
        return expressed(own, analyte, rule.unit or analyte.unit)
    except UnitRefused:
        return None


def _from_own(rule: RuleVersion, code: str, number: Decimal) -> Decimal:
    analyte: Analyte | None = analyte_of(code)
    return number if analyte is None else expressed(number, analyte, rule.unit or analyte.unit)


def _key(rule: RuleVersion, code: str) -> str:
    """What a condition is called: one analyte has many codes, and two rules must mean the same."""
    analyte = analyte_of(code)
    return analyte.key if analyte else min(rule.codes, default=code)


def _codes(rule: RuleVersion) -> frozenset[str]:
    return frozenset(rule.codes)


def _weight(verdict: Verdict) -> tuple[int, Decimal]:
    value = verdict.value or Decimal()
    return verdict.severity.rank, -value if verdict.direction == "low" else value
