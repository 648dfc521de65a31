"""A questionnaire as it is asked. Pure: a FHIR R4 Questionnaire in, questions out.

What we read of FHIR: choices with one answer, `prefix` as the short name, a nested item of type
display as the note under a question, `enableWhen` with = and !=, the ordinal value of an option.
What FHIR has no word for (how long it takes, what to tell somebody who gives this answer) are
extensions whose addresses begin with `urn:vigil:questionnaire:`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

OURS = "urn:vigil:questionnaire:"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"

# The answers of one person: the code chosen, by the link id of the question.
Codes = Mapping[str, str]


class Advice(StrEnum):
    """What somebody who gives an answer is told at once."""

    CALL = "call"
    EMERGENCY = "emergency"
    CRISIS = "crisis"


@dataclass(frozen=True)
class Option:
    """One answer that may be given. `value` is the number it stands for, if it stands for one."""

    code: str
    words: str
    value: Decimal | None
    advice: Advice | None


@dataclass(frozen=True)
class Condition:
    """Something that another answer is, or is not."""

    link_id: str
    is_equal: bool
    code: str

    def holds(self, codes: Codes) -> bool:
        """Whether it does; of a question without an answer nothing holds."""
        answer = codes.get(self.link_id)
        return answer is not None and (answer == self.code) == self.is_equal


@dataclass(frozen=True)
class Question:
    """One question with its answers."""

    link_id: str
    name: str  # for staff: “Pain”
    text: str
    note: str
    options: tuple[Option, ...]
    conditions: tuple[Condition, ...]
    needs_all: bool

    @property
    def is_scale(self) -> bool:
        """Whether the answers are numbers in a row, 0 to 10."""
        return all(option.words.isdecimal() for option in self.options)

    def option(self, code: str | None) -> Option | None:
        """The answer with this code."""
        return next((each for each in self.options if each.code == code), None)

    def is_asked(self, codes: Codes) -> bool:
        """Whether the other answers leave this one to be asked."""
        if not self.conditions:
            return True
        held = [condition.holds(codes) for condition in self.conditions]
        return all(held) if self.needs_all else any(held)


@dataclass(frozen=True)
class Form:
    """A questionnaire as it is asked."""

    title: str
    plain_title: str
    introduction: str
    minutes: int
    questions: tuple[Question, ...]
    is_private: bool
    is_daily: bool
    is_summed: bool
    bands: tuple[tuple[int, str], ...]  # from which score on, in words
    age_from: int  # years

    def asked(self, codes: Codes) -> list[Question]:
        """The questions that these answers leave to be asked, answered ones too."""
        return [question for question in self.questions if question.is_asked(codes)]

    def next_question(self, codes: Codes) -> int | None:
        """The number, from 1, of the first that has no answer; None when all have one."""
        return next(
            (
                number
                for number, question in enumerate(self.asked(codes), start=1)
                if question.link_id not in codes
            ),
            None,
        )

    def band(self, score: int) -> str:
        """What a score is called; "" where it has no name."""
        return next((words for start, words in reversed(self.bands) if score >= start), "")

    @property
    def highest(self) -> int:
        """The highest score there is."""
        return int(
            sum(
                max((each.value for each in question.options if each.value is not None), default=0)
                for question in self.questions
            )
        )


def form_of(definition: Mapping[str, Any]) -> Form:
    """Read a FHIR Questionnaire. Raises KeyError or ValueError for one that is not of our kind."""
    ours = _extensions(definition)
    return Form(
        title=definition["title"],
        plain_title=ours.get("plain-title", definition["title"]),
        introduction=ours.get("introduction", ""),
        minutes=ours.get("minutes", 1),
        questions=tuple(_question(item) for item in definition["item"]),
        is_private=ours.get("private", False),
        is_daily=ours.get("daily", False),
        is_summed=ours.get("score") == "sum",
        bands=tuple(
            (parts["from"], parts["text"])
            for each in definition.get("extension", [])
            if each["url"] == f"{OURS}band"
            for parts in [{part["url"]: _value(part) for part in each["extension"]}]
        ),
        age_from=ours.get("age-from", 0),
    )


def _question(item: Mapping[str, Any]) -> Question:
    if item["type"] != "choice" or item.get("repeats"):
        raise ValueError(f"“{item['linkId']}” is not a choice of one answer.")
    notes = [part["text"] for part in item.get("item", []) if part["type"] == "display"]
    return Question(
        link_id=item["linkId"],
        name=item.get("prefix", item["text"]),
        text=item["text"],
        note=" ".join(notes),
        options=tuple(_option(option) for option in item["answerOption"]),
        conditions=tuple(_condition(each) for each in item.get("enableWhen", [])),
        needs_all=item.get("enableBehavior", "all") == "all",
    )


def _option(option: Mapping[str, Any]) -> Option:
    coding = option["valueCoding"]
    ours = _extensions(option)
    ordinals = [
        Decimal(str(_value(each))) for each in option.get("extension", []) if each["url"] == ORDINAL
    ]
    return Option(
        code=coding["code"],
        words=coding["display"],
        value=ordinals[0] if ordinals else None,
        advice=Advice(ours["advice"]) if "advice" in ours else None,
    )


def _condition(when: Mapping[str, Any]) -> Condition:
    if when["operator"] not in ("=", "!="):
        raise ValueError(f"“{when['operator']}” is not an operator that we know.")
    return Condition(when["question"], when["operator"] == "=", when["answerCoding"]["code"])


def _extensions(element: Mapping[str, Any]) -> dict[str, Any]:
    extensions: Sequence[Mapping[str, Any]] = element.get("extension", [])
    return {
        each["url"].removeprefix(OURS): _value(each)
        for each in extensions
        if each["url"].startswith(OURS) and "extension" not in each
    }


def _value(extension: Mapping[str, Any]) -> Any:
    """The value[x] of an extension."""
    return next(value for name, value in extension.items() if name.startswith("value"))
