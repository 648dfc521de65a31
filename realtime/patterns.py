r"""LIKE and regular expressions that strangers send, matched in time linear in the text.

Python's own `re` backtracks: `(a+)+$` against thirty letters would stop the process, and with it
every socket. So both go to RE2. RE2 and PostgreSQL agree on what is accepted here: classes, groups,
alternatives, anchors, quantifiers, \d \s \w. What they read differently (back-references,
look-around, other escapes, collating elements) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import re2  # type: ignore[import-untyped]

LONGEST_PATTERN = 500  # characters

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_REFUSED = re.compile(r"\(\?(?!:)|^\*\*\*|\[[.=]|\[\[:[<>]")


class PatternError(ValueError):
    """The pattern is not one we can match as PostgreSQL would."""


def like(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """SQL's LIKE: `%` any run of characters, `_` any one, backslash takes the next literally."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        else:
            if character == "\\" and not (character := next(characters, "")):
                raise PatternError("it ends with its escape character")
            parts.append(re2.escape(character))
    return _compiled(f"^(?:{''.join(parts)})$", pattern, ignore_case=ignore_case)


def regular_expression(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """PostgreSQL's `~` and `~*`, for the part of the language that RE2 reads the same way."""
    if _REFUSED.search(pattern):
        raise PatternError("it uses options, look-around or collating elements")
    for escape in _ESCAPE.finditer(pattern):
        if not escape.group(1) or (escape.group(1).isalnum() and escape.group(1) not in "dswDSW"):
            raise PatternError(f"it uses the escape {escape.group(0)}")
    return _compiled(pattern, pattern, ignore_case=ignore_case)


def _compiled(expression: str, pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"it is longer than {LONGEST_PATTERN} characters")
    options = re2.Options()
    # In PostgreSQL a newline is a character like any other, and ^ and $ mean the whole text.
    options.dot_nl = True
    options.case_sensitive = not ignore_case
    options.max_mem = 1 << 20
    options.log_errors = False
    try:
        compiled = re2.compile(expression, options)
    except (re2.error, ValueError) as error:
        raise PatternError(str(error)) from None
    return lambda text: compiled.search(text) is not None
