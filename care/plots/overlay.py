"""What is drawn over and behind a trend that is not a reading: ranges, and what happened meanwhile.

The seam for apps above this one. `alerts` knows the limits of a site's rules and the alerts that
were raised, and `care` may not know `alerts`; so it registers a source when it is made ready:

    class AlertsConfig(AppConfig):
        def ready(self):
            overlay.register(of_rules)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from care.vital_signs import Limits
from portal.access import Reader
from portal.models import Patient


class Ring(StrEnum):
    """What a range is: inside it all is well, or inside it is a critical finding."""

    NORMAL = "normal"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Band:
    """A range of one code, in its analyte's unit. Ends belong to it: a rule for 6.0 and above is
    `Band("2823-3", Limits(low=Decimal("6.0")), Ring.CRITICAL)`."""

    code: str
    limits: Limits
    ring: Ring

    def holds(self, value: Decimal) -> bool:
        """Whether a value lies in the range."""
        return value in self.limits


@dataclass(frozen=True)
class Mark:
    """Something that happened: an operation, visit, medicine, condition or alert, by its `kind`."""

    at: datetime
    label: str
    kind: str
    is_critical: bool = False


@dataclass(frozen=True)
class Overlay:
    """Bands and marks for one trend."""

    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()


# Patient, who looks, the codes of the trend, since when.
Source = Callable[[Patient, Reader, frozenset[str], datetime | None], Overlay]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Have a source asked for every trend. It answers for what this reader may see, and no more."""
    if source not in _sources:
        _sources.append(source)


def forget(source: Source) -> None:
    """Ask a source no longer."""
    _sources.remove(source)


def overlay_of(
    patient: Patient, reader: Reader, codes: frozenset[str], since: datetime | None
) -> Overlay:
    """What every source has to say about one trend."""
    overlays = [source(patient, reader, codes, since) for source in _sources]
    return Overlay(
        bands=tuple(band for each in overlays for band in each.bands),
        marks=tuple(mark for each in overlays for mark in each.marks),
    )
