"""The acknowledgement: accepted (AA), in error (AE) or rejected (AR), and why.

AE means that the sender has something to mend or to send again; AR that this listener will never
take it. Reasons name a place and quote no value.
"""

import re
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils import timezone

from portal.management.hl7.messages import Message

_SPECIAL = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\",
            "&": "\\T\\", "~": "\\R\\"}  # fmt: skip
_LINE_ENDS = re.compile(r"[\r\n\x0b\x1c\x00]+")


class Code(StrEnum):
    """HL7 table 0008, in the order from good to bad."""

    ACCEPTED = "AA"
    ERROR = "AE"
    REJECTED = "AR"


class Condition(StrEnum):
    """What is wrong: HL7 table 0357, as far as it happens here."""

    SEQUENCE = "100^Segment sequence error"
    MISSING = "101^Required field missing"
    DATA_TYPE = "102^Data type error"
    UNSUPPORTED_TYPE = "200^Unsupported message type"
    UNKNOWN_KEY = "204^Unknown key identifier"
    INTERNAL = "207^Application internal error"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `place` is segment, which of them, and field: `OBX^2^5`."""

    condition: Condition
    reason: str
    place: str = ""


@dataclass
class Answer:
    """What a message is answered with."""

    code: Code = Code.ACCEPTED
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, problem: Problem, code: Code = Code.ERROR) -> None:
        """Add a problem; the answer is as bad as its worst."""
        self.problems.append(problem)
        self.code = max(self.code, code, key=list(Code).index)


def written(answer: Answer, to: Message | None, *, receiver: str) -> str:
    """The ACK for a message, or for what was none. `receiver` is the clinic's short name."""
    header = to.header if to is not None else None
    version = header.text(12) if header is not None else ""
    event = header.text(9, 2) if header is not None else ""
    segments = [
        [
            "MSH",
            "^~\\&",
            "Vigil",
            _escaped(receiver),
            _escaped(header.text(3)) if header is not None else "",
            _escaped(header.text(4)) if header is not None else "",
            f"{timezone.now():%Y%m%d%H%M%S}+0000",
            "",
            "^".join(filter(None, ("ACK", _escaped(event), "ACK"))),
            uuid.uuid4().hex[:20],
            (_escaped(header.text(11)) if header is not None else "") or "P",
            _escaped(version) or "2.5.1",
            *[""] * 5,
            "UNICODE UTF-8",
        ],
        ["MSA", answer.code, _escaped(to.control_id) if to is not None else ""],
        *(_error(problem) for problem in answer.problems),
    ]
    return "".join("|".join(segment) + "\r" for segment in segments)


def _error(problem: Problem) -> list[str]:
    condition = f"{problem.condition}^HL70357"
    return ["ERR", "", problem.place, condition, "E", "", "", "", _escaped(problem.reason)]


def _escaped(text: str) -> str:
    """A text that is one value, whatever is in it."""
    flat = _LINE_ENDS.sub(" ", text)
    return "".join(_SPECIAL.get(character, character) for character in flat)
