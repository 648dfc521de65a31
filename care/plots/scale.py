"""The vertical scale: round numbers between which all values lie."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

# A step is one of these times a power of ten: what people count in.
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Scale:
    """A line from `low` to `high`, which a drawing has between two heights in pixels."""

    low: float
    high: float
    step: float
    top: float
    bottom: float

    def y(self, value: float | Decimal) -> float:
        """The height of a value, in pixels from above; outside values stop at the edge."""
        share = (float(value) - self.low) / (self.high - self.low)
        return round(self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top), 1)

    @property
    def ticks(self) -> list[float]:
        """The round numbers, upward."""
        count = round((self.high - self.low) / self.step)
        return [self.low + index * self.step for index in range(count + 1)]

    def label(self, tick: float) -> str:
        """A tick as text, with as many digits as the step needs."""
        places = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{tick:.{places}f}"


def scale_for(
    values: Iterable[float | Decimal], *, top: float, bottom: float, most_ticks: int = 5
) -> Scale:
    """The tightest round scale that holds every value, with room when they are all the same."""
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    if low == high:
        room = abs(low) * 0.05 or 1.0
        low, high = low - room, high + room
    step = _step((high - low) / (most_ticks - 1))
    first, last = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(first, last, step, top, bottom)


def _step(least: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9))
