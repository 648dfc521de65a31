"""What is wrong with a rule before it is kept: said to whoever writes it, field by field. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from alerts.models import RuleKind
from care.analytes import analyte_of
from care.errors import UnitRefused
from care.units import converted

MISSING = {
    RuleKind.VALUE: ("codes",),
    RuleKind.CHANGE: ("codes", "hours"),
    RuleKind.SILENCE: ("codes", "hours"),
    RuleKind.ANSWER: ("questionnaire",),
}


def what_is_wrong(said: Mapping[str, Any]) -> dict[str, str]:
    """The fields that keep a rule from working, each with a sentence; empty when it can be kept."""
    kind = RuleKind(said["kind"])
    wrong = {
        name: "This kind of rule needs it." for name in MISSING.get(kind, ()) if not said[name]
    }
    low, high = said["low"], said["high"]
    if kind != RuleKind.SILENCE and not _has_limit(kind, said):
        wrong["high"] = "Without a limit the rule would never be met."
    if kind == RuleKind.VALUE and low is not None and high is not None and low >= high:
        wrong["low"] = "The low limit must be below the high one, or every value meets the rule."
    if said["hours"] is not None and said["hours"] <= 0:
        wrong["hours"] = "It must be more than no time."
    ages = said["age_from"], said["age_until"]
    if None not in ages and ages[0] >= ages[1]:
        wrong["age_until"] = "Nobody is of that age."
    if "codes" not in wrong and (words := _unit_of(said)):
        wrong["unit"] = words
    return wrong


def _has_limit(kind: RuleKind, said: Mapping[str, Any]) -> bool:
    if said["low"] is not None or said["high"] is not None:
        return True
    if kind == RuleKind.NEWS2:
        return bool(said["single_three"])
    return kind == RuleKind.VALUE and bool(said["words"])


def _unit_of(said: Mapping[str, Any]) -> str:
    """Why the limits cannot be compared with what the codes measure; empty when they can."""
    if said["low"] is None and said["high"] is None:
        return ""
    for code in said["codes"] or ():
        analyte = analyte_of(code)
        if analyte is None or analyte.is_worded or not said["unit"]:
            continue
        try:
            converted(Decimal(1), said["unit"], analyte)
        except UnitRefused:
            return f"{analyte.name} is measured in {analyte.unit}: {said['unit']} is no such unit."
    return ""
