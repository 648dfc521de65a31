"""UCUM units as people write them."""

import re
from decimal import ROUND_HALF_UP, Decimal

_WRITTEN = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "kg/m2": "kg/m²",
    "[pH]": "",
    "pH": "",
    "1": "",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
}
_ANNOTATION = re.compile(r"[{(][^})]*[})]")
_POWER = re.compile(r"10\*(\d+)")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def written(unit: str) -> str:
    """“mm[Hg]” gives “mmHg”, “10*3/uL” gives “×10³/µL”; what only annotates (“{score}”) goes."""
    if unit in _WRITTEN:
        return _WRITTEN[unit]
    plain = _ANNOTATION.sub("", unit)
    plain = _POWER.sub(lambda found: "×10" + found[1].translate(_SUPERSCRIPTS), plain)
    return re.sub(r"\bu(?=[a-zA-Z])", "µ", plain)


def figure(value: object, places: int | None = None) -> str:
    """A number as a page prints it: `places` digits after the point, else four that count."""
    number = Decimal(str(value))
    if places is None:
        places = max(0, 3 - number.adjusted()) if number else 0
        rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return f"{rounded.normalize():f}" if places else f"{rounded:f}"
    return f"{number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
