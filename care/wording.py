"""What readings are called and what they mean, in the words of patients (grade 6 at most)."""

import re

from care import vital_signs
from care.errors import IncompleteReading, ReadingError, ReadingOutOfTime
from care.readings import Reading

# By the code that we write for each kind.
MEANINGS = {
    vital_signs.BLOOD_PRESSURE: "How hard your blood pushes. The first number is when your heart"
    " beats, the second when it rests.",
    "8867-4": "How many times your heart beats in one minute.",
    "59408-5": "How much oxygen is in your blood.",
    "9279-1": "How many breaths you take in one minute.",
    "8310-5": "How warm your body is.",
    "72514-3": "How much it hurts. 0 is no pain, 10 is the worst pain.",
    "29463-7": "How much you weigh.",
    "8302-2": "How tall you are.",
    "39156-5": "Your weight for your height.",
}


# LOINC's full names say how and in what a thing was measured; of blood and serum nobody says so.
_HOW = re.compile(
    r" by [A-Z][^,]*$"
    r"| \[(?:[^\]]*/[^\]]*|Presence|Ratio|Time|Partial pressure|Volume Fraction|Percentile"
    r"|Entitic (?:mass|volume|vol)|Reported[^\]]*)\]"
)
_IN_BLOOD = re.compile(
    r" (?:in|of) (?:Serum or Plasma|Serum|Plasma|Blood|Platelet poor plasma)\b.*$"
)


def name_of_test(name: str) -> str:
    """“Potassium [Moles/volume] in Serum or Plasma” gives “Potassium”."""
    return _IN_BLOOD.sub("", _HOW.sub("", name)) or name


def meaning_of(code: str) -> str:
    """One or two sentences about a vital sign, or "" for one that needs none."""
    kind = vital_signs.kind_of(code)
    return MEANINGS.get(kind.code, "") if kind else ""


def in_plain_words(reading: Reading) -> str:
    """Where a reading lies, as a patient is told; "" when nobody knows."""
    if not reading.is_plausible:
        return "We do not use this one. Please measure again."
    if reading.flag in ("high", "critically-high"):
        return "Above the usual range"
    if reading.flag in ("low", "critically-low"):
        return "Below the usual range"
    return "In the usual range" if reading.has_range else ""


def why_not(error: ReadingError) -> str:
    """Why a reading was not saved, as a patient is told."""
    if isinstance(error, ReadingOutOfTime):
        return "This time is still to come. Please check the day and the time."
    if isinstance(error, IncompleteReading):
        return "We could not read the number. Please type it once more."
    return "This was not saved. Please check it and try once more."
