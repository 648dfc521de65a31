"""Texts of other systems, cleaned: what a person reads, without what only a computer sees."""

import re
import unicodedata
from typing import Any

# Synthea puts zero-width spaces into long names; a byte-order mark and soft hyphens come from
# copied documents. (The joiners U+200C and U+200D stay: Persian and Hindi need them.)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
# Control characters, separators of lines, and halves of surrogate pairs, which are no characters:
# the database would refuse the first and the last.
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
# SNOMED CT ends its full names with a semantic tag, which is for its editors.
_SEMANTIC_TAG = re.compile(
    r" \((?:disorder|finding|procedure|situation|regime/therapy|record artifact|body structure"
    r"|qualifier value|event|observable entity|person|product|substance|morphologic abnormality)\)$"
)
# Names that are no longer the person's, and names that are not for a record.
_OTHER_NAMES = ("old", "maiden", "anonymous", "temp")
_BEST_NAMES = ("official", "usual", None, "nickname")


def clean(text: object) -> str:
    """Return `text` on one line, without invisible characters; None gives ""."""
    if text is None:
        return ""
    visible = str(text).translate(_INVISIBLE)
    printable = "".join(
        " " if unicodedata.category(character) in _UNPRINTABLE else character
        for character in visible
    )
    return " ".join(printable.split())


def without_semantic_tag(text: str) -> str:
    """“Appendicitis (disorder)” gives “Appendicitis”."""
    return _SEMANTIC_TAG.sub("", text)


def person_name(names: list[Any] | None, *, with_title: bool = False) -> str:
    """One name from a list of FHIR HumanName: the official one, else the usual, else any current.

    With `with_title` prefix and suffix come along, as clinicians are called: “Dr. Lane Jacobi”.
    """
    current = [name for name in names or [] if name.use not in _OTHER_NAMES]
    chosen = min(current or names or [], key=_rank, default=None)
    if chosen is None:
        return ""
    given = [clean(part) for part in chosen.given or []]
    parts = [*given, clean(chosen.family)]
    if not any(parts):
        return clean(chosen.text)
    if with_title:
        parts = [clean(part) for part in chosen.prefix or []] + parts
        titles = [clean(part) for part in chosen.suffix or []]
        return ", ".join([" ".join(filter(None, parts)), *filter(None, titles)])
    return " ".join(filter(None, parts))


def _rank(name: Any) -> tuple[bool, int]:
    has_ended = bool(name.period and name.period.end)
    use = _BEST_NAMES.index(name.use) if name.use in _BEST_NAMES else len(_BEST_NAMES)
    return has_ended, use
