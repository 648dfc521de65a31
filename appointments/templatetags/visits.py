"""Saying when a visit is, so that nobody comes at the wrong hour."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()

# What people call the zones they live in. A zone that is not here has an abbreviation, or, where
# nobody uses one, a distance from UTC: both are read by those who live there.
SPOKEN = {
    **dict.fromkeys(("EST", "EDT"), "Eastern"),
    **dict.fromkeys(("CST", "CDT"), "Central"),
    **dict.fromkeys(("MST", "MDT"), "Mountain"),
    **dict.fromkeys(("PST", "PDT"), "Pacific"),
    **dict.fromkeys(("AKST", "AKDT"), "Alaska"),
    "HST": "Hawaii",
    **dict.fromkeys(("CET", "CEST"), "Central European"),
    **dict.fromkeys(("EET", "EEST"), "Eastern European"),
    **dict.fromkeys(("WET", "WEST"), "Western European"),
    **dict.fromkeys(("GMT", "BST"), "UK"),
    "IST": "India",
    "JST": "Japan",
}
AMERICAN = ("America/", "US/")
# Their abbreviations mean other places elsewhere: CST is also China, IST also Ireland and Israel.
ONLY_IN = {
    "Central": AMERICAN,
    "Eastern": AMERICAN,
    "Mountain": AMERICAN,
    "Pacific": AMERICAN,
    "UK": ("Europe/London", "Europe/Belfast"),
    "India": ("Asia/Kolkata", "Asia/Calcutta"),
}


@register.filter
def zone(at: datetime) -> str:
    """The clinic's zone at that instant, as people say it: "Eastern", "CET"."""
    local = timezone.localtime(at)
    abbreviation = local.tzname() or "UTC"
    spoken = SPOKEN.get(abbreviation, "")
    if spoken and str(local.tzinfo).startswith(ONLY_IN.get(spoken, "")):
        return spoken
    if abbreviation[0] in "+-":
        return f"UTC{abbreviation}"
    return abbreviation
