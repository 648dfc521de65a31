"""The shape of the last readings, beside a value that says the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from care.vital_signs import Limits

WIDTH, HEIGHT, EDGE = 96.0, 24.0, 4.0


@dataclass(frozen=True)
class Sparkline:
    """A polyline of 96 by 24, its last point, and the normal range behind it."""

    points: str
    last_x: float
    last_y: float
    band: tuple[float, float] | None


def sparkline_of(
    readings: Sequence[tuple[datetime, Decimal]], limits: Limits | None
) -> Sparkline | None:
    """Draw readings, oldest first; None for fewer than two, which have no shape."""
    if len(readings) < 2:
        return None
    first, last = readings[0][0].timestamp(), readings[-1][0].timestamp()
    span = (last - first) or 1.0
    values = [float(value) for _, value in readings]
    low, high = min(values), max(values)
    room = (high - low) or abs(high) * 0.1 or 1.0
    # Noise drawn at full height would look like drama: a quiet line keeps to the middle.
    low, high = low - room * 0.25, high + room * 0.25

    def y(value: float) -> float:
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(HEIGHT - EDGE / 2 - share * (HEIGHT - EDGE), 1)

    def x(at: datetime) -> float:
        return round(EDGE + (at.timestamp() - first) / span * (WIDTH - 2 * EDGE), 1)

    pairs = [(x(at), y(float(value))) for at, value in readings]
    band = None
    if limits is not None:
        upper = 0.0 if limits.high is None else y(float(limits.high))
        lower = HEIGHT if limits.low is None else y(float(limits.low))
        band = (upper, round(lower - upper, 1)) if lower > upper else None
    return Sparkline(" ".join(f"{a},{b}" for a, b in pairs), *pairs[-1], band)
