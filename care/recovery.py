"""Which operation a patient is recovering from, and which day of it this is.

“Day 6 after your knee operation”: the day of the operation is day 0, days change at midnight in the
clinic's zone. An operation is known by the category its sender gave it, by its SNOMED CT code, or
by the words for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo

from care.models import Procedure

SURGICAL = "387713003"  # SNOMED CT: surgical procedure, the FHIR category
LONGEST_DAYS = 90  # after that nobody counts days any more

# Words of operations. A colonoscopy, a dressing or a tooth is not what one recovers from at home.
_OPERATION = re.compile(
    r"ectomy\b|plasty\b|otomy\b|ostomy\b|desis\b|replacement|resection|transplant|bypass|graft"
    r"|\brepair\b|reconstruction|fixation of|laparoscop|arthroscop|ca?esarean|amputation"
    r"|excision|ligation|implantation|removal of (?:gall|appendix|uterus|kidney|spleen|prostate)"
    r"|\bsurgery\b|\boperation\b",
    re.IGNORECASE,
)
_NO_OPERATION = re.compile(
    r"dental|tooth|teeth|gingiv|contracepti|intrauterine|biopsy|polypectomy|rehabilitation|therapy"
    r"|education|care management|planned|assessment|episiotomy|vasectomy|injection|counsel"
    r"|admission|postoperative|post anesthesia|sternotomy",
    re.IGNORECASE,
)
# Coded operations whose words, in some senders' displays, do not say so.
_OPERATION_CODES = frozenset(
    {
        "80146002",  # appendectomy
        "609588000",  # total knee replacement
        "52734007",  # total hip replacement
        "45595009",  # laparoscopic removal of gallbladder
        "447365002",  # insertion of a biventricular defibrillator
        "415070008",  # percutaneous coronary intervention
        "232717009",  # coronary artery bypass graft
        "11466000",  # caesarean section
    }
)

# What a person calls it, by words in its name; the first that fits.
_PLAIN = (
    (r"knee|cruciate|meniscus", "knee operation"),
    (r"\bhip\b", "hip operation"),
    (r"shoulder|rotator", "shoulder operation"),
    (r"ca?esarean", "C-section"),
    (r"coronary|cardi|heart|valve|pacemaker|defibrillator", "heart operation"),
    (r"lung|pulmonary|thorac", "lung operation"),
    (r"gall|cholecyst", "gallbladder operation"),
    (r"append", "appendix operation"),
    (r"hernia", "hernia operation"),
    (r"colon|colect|bowel|intestin|rect", "bowel operation"),
    (r"prostat", "prostate operation"),
    (r"hyster|uterus", "womb operation"),
    (r"fallopian|salping|ovar|tubal", "operation"),
    (r"breast|mast", "breast operation"),
    (r"thyroid", "thyroid operation"),
    (r"kidney|nephr", "kidney operation"),
    (r"spin|lumbar|lamin|disc", "back operation"),
    (r"cataract|lens|eye", "eye operation"),
    (r"foot|toe|bunion|hallux", "foot operation"),
    (r"ankle", "ankle operation"),
    (r"hand|wrist|carpal", "hand operation"),
)


@dataclass(frozen=True)
class Recovery:
    """A patient's way back from one operation."""

    procedure: Procedure
    day: int
    name: str

    def sentence(self, whose: str = "your") -> str:
        """“Day 6 after your knee operation.”; `whose` may be “Ana’s”."""
        if self.day == 0:
            return f"Today is the day of {whose} {self.name}."
        return f"Day {self.day} after {whose} {self.name}."


def recovery_of(procedures: Iterable[Procedure], *, today: date, zone: tzinfo) -> Recovery | None:
    """The recovery from the latest operation, while its days are counted."""
    operations = [
        (procedure.performed_at, procedure)
        for procedure in procedures
        if procedure.performed_at is not None and is_operation(procedure)
    ]
    if not operations:
        return None
    performed_at, latest = max(operations, key=lambda each: each[0])
    day = (today - performed_at.astimezone(zone).date()).days
    if not 0 <= day <= LONGEST_DAYS:
        return None
    return Recovery(latest, day, plain_name(latest.display))


def is_operation(procedure: Procedure) -> bool:
    """Whether a procedure is an operation that one recovers from."""
    if procedure.category == SURGICAL or procedure.code in _OPERATION_CODES:
        return True
    return bool(
        _OPERATION.search(procedure.display) and not _NO_OPERATION.search(procedure.display)
    )


def plain_name(display: str) -> str:
    """“Total replacement of left knee joint” gives “knee operation”."""
    for words, name in _PLAIN:
        if re.search(words, display, re.IGNORECASE):
            return name
    return "operation"
