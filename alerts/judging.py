"""Holding one observation against one rule. Pure.

A rule that applies gives a *verdict*: met or not, for a condition. Of several verdicts on one
condition the most severe that is met counts; a condition on which all say “not met” has recovered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from alerts.models import RuleKind, RuleOverride, RuleVersion, Severity
from care.analytes import Analyte, analyte_of
from care.errors import UnitRefused
from care.units import converted, expressed

# Values earlier than this one, within a time: (code, since) gives values in the analyte's unit.
Earlier = Callable[[frozenset[str], datetime], Sequence[Decimal]]


@dataclass(frozen=True)
class Value:
    """One number of an observation, or words, under its code."""

    code: str
    number: Decimal | None
    unit: str = ""
    words: str = ""


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
        case RuleKind.SILENCE if any(value.code in rule.codes for value in observation.values):
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
    """Conditions that were looked at and that no rule found met."""
    met = {verdict.condition for verdict in found if verdict.is_met}
    return frozenset(verdict.condition for verdict in found) - met


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
        key = _key(rule, value.code)
        if value.number is None:
            if rule.words and value.words:
                is_met = _says(value.words, rule.words)
                found.append(Verdict(rule, f"{key}:found", "", is_met=is_met))
            continue
        number = _in_unit_of(rule, value)
        if number is not None:
            found += _between(rule, key, number, low, high)
    return found


def _of_news2(rule: RuleVersion, observation: Observation, high: Decimal | None) -> list[Verdict]:
    (total,) = observation.values
    found = []
    if high is not None and total.number is not None:
        # An incomplete score is “at least” so much: at or above the limit it is met all the same.
        found.append(Verdict(rule, "news2", "high", total.number >= high, total.number, high))
    if rule.single_three:
        found.append(Verdict(rule, "news2", "high", observation.has_three, total.number, None))
    return found


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
        if high is not None:
            rise = number - min(before)
            found.append(Verdict(rule, f"{key}:rising", "high", rise >= high, rise, high))
        if low is not None:
            fall = max(before) - number
            found.append(Verdict(rule, f"{key}:falling", "high", fall >= low, fall, low))
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
    rule: RuleVersion, key: str, number: Decimal, low: Decimal | None, high: Decimal | None
) -> list[Verdict]:
    found = []
    if low is not None:
        found.append(Verdict(rule, f"{key}:low", "low", number <= low, number, low))
    if high is not None:
        found.append(Verdict(rule, f"{key}:high", "high", number >= high, number, high))
    return found


def _in_unit_of(rule: RuleVersion, value: Value) -> Decimal | None:
    """The value in the rule's unit; None when it cannot be compared for certain."""
    assert value.number is not None
    analyte = analyte_of(value.code)
    if analyte is None or analyte.is_worded:
        return value.number if value.unit == rule.unit else None
    try:
        own = converted(value.number, value.unit, analyte)
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


def _says(text: str, words: Sequence[str]) -> bool:
    """Whether a result in words says one of `words`, and does not say that it is not so."""
    said = text.casefold()
    if any(no in said for no in ("no growth", "not detected", "negative", "none")):
        return False
    return any(word.casefold() in said for word in words)


def _weight(verdict: Verdict) -> tuple[int, Decimal]:
    value = verdict.value or Decimal()
    return verdict.severity.rank, -value if verdict.direction == "low" else value
