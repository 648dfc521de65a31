"""Why a reading is not recorded.

ReadingError
├── ImplausibleReading     a number outside what a person can have: ask “is this right?”
├── IncompleteReading      a number is missing, or the kind is not one that is recorded
├── ReadingOutOfTime       measured in the future, or after the patient's death
├── UnitRefused            its unit cannot be made the analyte's own
├── NotMeasuredAtHome      a laboratory's value from somebody who is not of the care team
├── IdentifierTaken        its identifier already names something of another patient
└── AlreadyWithdrawn       a reading that was taken back cannot be corrected
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from care.analytes import Analyte


class ReadingError(Exception):
    """A reading that was not recorded; `str` is for the person who typed it."""


@dataclass
class ImplausibleReading(ReadingError):
    """A number outside its plausible limits. Recording it again with `is_right=True` stores it."""

    analyte: "Analyte"
    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.analyte.name} {self.value:f}: is this right?"


class IncompleteReading(ReadingError):
    """A number is missing, or there is one too many."""


class ReadingOutOfTime(ReadingError):
    """The time of the reading cannot be."""


@dataclass
class UnitRefused(ReadingError):
    """A value in a unit that cannot be made the analyte's own. The value is not in the words."""

    analyte: "Analyte"
    unit: str

    def __str__(self) -> str:
        if not self.unit:
            return f"{self.analyte.name} has no unit, and needs one such as {self.analyte.unit}"
        return f"{self.analyte.name} cannot be converted from “{self.unit}” to {self.analyte.unit}"


class NotMeasuredAtHome(ReadingError):
    """Not a vital sign, and its sender is not of the care team."""


class IdentifierTaken(ReadingError):
    """The identifier already names an observation of another patient."""


class AlreadyWithdrawn(ReadingError):
    """The reading was taken back: a mistake is not mended but measured again."""
