"""What a laboratory says in words: grown, not grown, or nothing yet. Pure.

A blood culture is reported as the name of what grew, as “Positive: Gram-negative rods”, as “No
growth at 48 hours”, as a code. Nobody can list the names of all that grows, so the other words are
listed: what denies, what only says that there is no result, and what belongs to neither, such as
the bottle and the hour. A text of those alone has nothing grown; one word more, and somebody is
called. A false alarm is a phone call, a missed sepsis a death.
"""

import re
from collections.abc import Sequence

from care.models.measurement import CRITICAL_FLAGS

# The words of a rule that asks for whatever grew, and not for one organism.
ANY_GROWTH = frozenset({"positive", "growth", "detected"})
# Flags that say of a culture that there is something (HL7 table 0078).
ABNORMAL = frozenset({*CRITICAL_FLAGS, "A", "POS", "DET"})
_SURELY_ABNORMAL = ABNORMAL - {"A"}

_WHAT_GROWS = (
    r"(?:growth|(?:micro)?organisms?|bacteria|pathogens?|isolates?|yeasts?|fung(?:us|i)"
    r"|(?:an)?aerobes)"
)
_KIND = r"(?:(?:bacterial|microbial|fungal|visible|pathogenic|aerobic|anaerobic|or|and) ){0,6}"
_FOUND = r"(?:seen|isolated|detected|found|grown|recovered|observed|obtained|present|cultured)"
# SNOMED CT: negative, not detected, no growth, not isolated, no organisms seen, absent, none; LOINC
# answers: negative, not detected.
_CODES = "260385009|260415000|264868006|264887000|27863008|2667000|260413007|la6577 6|la11883 8"
_DENIED = re.compile(
    rf"\b(?:no {_KIND}{_WHAT_GROWS}(?: (?:was|were|has been|have been))?(?: {_FOUND}| identified)?"
    rf"|(?:{_KIND}{_WHAT_GROWS} )?(?:was |were )?not (?:{_FOUND}|positive)"
    rf"|(?:none|nothing|nil)(?: {_FOUND})?|neg(?:ative)?|sterile|absent|ng(?:td)?|{_CODES})\b"
)
_NO_RESULT = re.compile(
    r"\b(?:pending|awaited|in (?:progress|process)|to follow|incubating|unknown|not applicable"
    r"|see (?:the )?(?:separate |attached )?(?:notes?|comments?|below|report|attachment)"
    r"|rejected|not (?:received|collected|available|sufficient)|unavailable|insufficient|qns|tnp"
    r"|unsatisfactory|not (?:performed|done|tested)|cancell?ed)\b"
)
# Where, when and how it was looked for; and, after “rejected”, why.
_BESIDES = frozenset(
    """
    a after all an and are at both by each either final for from further has have if in is it of on
    or our per set sets so far the then this thus to until was were will with x yet
    preliminary prelim interim report reported reports result results status update updated test
    aerobic anaerobic blood bottle bottles culture cultures cultured collected received specimen
    specimens sample samples source quantity volume arm central hand left line peripheral picc port
    right vein venous
    date day days d h hour hours hr hrs incubation incubated week weeks continues continued
    one two three four five six seven ten fourteen
    broken container duplicate expired laboratory lab leaked leaking mislabeled mislabelled order
    please recollect repeat transit tube unlabeled unlabelled wrong
    """.split()
)
_AMOUNT = re.compile(r"[0-9]{1,4}(?:h|hrs?|d|days?)?")


def grew(text: str, flag: str = "") -> bool | None:
    """Whether something grew, by a culture's words and its laboratory's flag; None: nobody says."""
    said = _plain(text)
    left = _NO_RESULT.sub(" ", _DENIED.sub(" ", said.replace("gram stain", " ")))
    if any(word not in _BESIDES and not _AMOUNT.fullmatch(word) for word in _words(left)):
        return True
    if _DENIED.search(said):
        return flag in _SURELY_ABNORMAL
    if flag in ABNORMAL:
        return True
    # “4 of 4 bottles” denies nothing and waits for nothing.
    return None if not said.strip() or _NO_RESULT.search(said) else True


def says(text: str, words: Sequence[str]) -> bool | None:
    """Whether a result says one of `words` and does not deny it; None when it is no result yet."""
    said = _plain(text)
    denied = [found.span() for found in _DENIED.finditer(said)]
    for word in filter(None, map(_plain, words)):
        for found in re.finditer(re.escape(word), said):
            if not any(begin <= found.start() and found.end() <= end for begin, end in denied):
                return True
    return None if not denied and _NO_RESULT.search(said) else False


def _plain(text: str) -> str:
    """Small letters, words parted by one space, sentences and lines by a bar."""
    said = re.sub(r"[.;:,\n]+(?=\s|$)", " | ", text.casefold().replace("(s)", "s"))
    return " ".join(re.findall(r"[^\W_]+|\|", said))


def _words(text: str) -> list[str]:
    return [word for word in text.split() if word != "|"]
