"""Why a reading is not recorded.

ReadingError
├── ImplausibleReading     a number outside what a person can have: ask “is this right?”
├── IncompleteReading      a number is missing, or the kind is not one that is recorded
└── ReadingOutOfTime       measured in the future, or after the patient's death
"""

from dataclasses import dataclass
from decimal import Decimal

from care.vital_signs import Limits, Part


class ReadingError(Exception):
    """A reading that was not recorded; `str` is for the person who typed it."""


@dataclass
class ImplausibleReading(ReadingError):
    """A number outside its plausible limits. Recording it again with `is_right=True` stores it."""

    part: Part
    value: Decimal

    def __str__(self) -> str:
        return f"{self.part.name} {self.value:f}: is this right?"

    @property
    def limits(self) -> Limits:
        """The limits it is outside of."""
        return self.part.plausible


class IncompleteReading(ReadingError):
    """A number is missing, or there is one too many."""


class ReadingOutOfTime(ReadingError):
    """The time of the reading cannot be."""
