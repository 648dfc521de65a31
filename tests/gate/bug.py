"""A seeded bug: a small change of our own code that breaks a promise, and the tests that see it.

An edit replaces a text that stands exactly once in its file. When the code changes under it, the
edit no longer applies, and a test says so: then the bug is written anew or given up, on purpose.
"""

from dataclasses import dataclass
from pathlib import Path


class DoesNotApply(Exception):
    """The text to replace is not there once: {path}."""


@dataclass(frozen=True)
class Edit:
    """Replace `old`, which stands once in the file at `path`, by `new`."""

    path: str
    old: str
    new: str

    def applied(self, root: Path) -> str:
        """The file's text with the bug in it. Raises DoesNotApply."""
        text = (root / self.path).read_text()
        if text.count(self.old) != 1:
            raise DoesNotApply(f"{self.path} holds {text.count(self.old)} times: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Bug:
    """One seeded bug. `breaks` says what goes wrong then, `promise` what it violates."""

    name: str
    area: str
    breaks: str
    promise: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    @property
    def is_in_the_database(self) -> bool:
        """Whether it shows only in a database that was migrated with it."""
        return any(edit.path.endswith(".sql") or "/migrations/" in edit.path for edit in self.edits)
