"""Colours as a browser computes them: OKLCH tokens, mixes of them, and their contrast.

Matrices: Björn Ottosson, "A perceptual color space for image processing" (Oklab). Contrast: WCAG
2.2, relative luminance.
"""

import math
import re

Oklab = tuple[float, float, float]

DECLARATION = re.compile(r"(--[\w-]+):\s*([^;]+);")
OKLCH = re.compile(r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)")
MIX = re.compile(r"color-mix\(in oklab, var\((--[\w-]+)\) ([\d.]+)%, var\((--[\w-]+)\)\)")


class Theme:
    """The colour tokens of a style sheet as they come out in one theme, `light` or `dark`."""

    def __init__(self, css: str, name: str):
        self.name = name
        self.declared = {
            token: value for token, value in DECLARATION.findall(css) if token.startswith("--color")
        }

    def colour(self, token: str) -> Oklab:
        """The colour of a token, with references and mixes resolved. KeyError if unknown."""
        return self._value(self.declared[token])

    def contrast(self, one: str, other: str) -> float:
        """WCAG contrast of two tokens, 1 to 21."""
        darker, lighter = sorted(map(luminance, (self.colour(one), self.colour(other))))
        return (lighter + 0.05) / (darker + 0.05)

    def _value(self, value: str) -> Oklab:
        if mix := MIX.fullmatch(value):
            first, share, second = mix.groups()
            part = float(share) / 100
            return tuple(  # type: ignore[return-value]
                part * a + (1 - part) * b
                for a, b in zip(self.colour(first), self.colour(second), strict=True)
            )
        light, dark = OKLCH.findall(value)
        lightness, chroma, hue = map(float, light if self.name == "light" else dark)
        angle = math.radians(hue)
        return lightness / 100, chroma * math.cos(angle), chroma * math.sin(angle)


def luminance(colour: Oklab) -> float:
    """Relative luminance, 0 to 1; what sRGB cannot show is clipped, as screens do."""
    lightness, a, b = colour
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
