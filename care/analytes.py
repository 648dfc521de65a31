"""What is measured, whatever code and unit it comes in.

An *analyte* is one thing that rules judge and plots draw: one number, with every LOINC code under
which senders report it, the unit that we keep it in, and the limits outside of which a value is a
mistake of measuring or typing and not a finding. What is critical or abnormal is not here: a site's
clinicians decide that in rules.

Codes and units of laboratory values are those of the clinic's first list, each with the other codes
for the same thing (in moles, in whole blood) where the two are one number after conversion. Serum
and urine are different things, and so are two assays of troponin. Plausible limits are wider than
anything survived.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from care import ucum
from care.vital_signs import BLOOD_PRESSURE, KINDS, Kind, Limits

LOINC = "http://loinc.org"


@dataclass(frozen=True)
class Analyte:
    """One thing measured. `code` is the one that we write; `unit` is UCUM, "" for words."""

    key: str
    name: str
    code: str
    codes: frozenset[str]
    unit: str
    plausible: Limits | None = None
    places: int | None = None  # digits after the point on a page; None: four that count
    molar_mass: Decimal | None = None  # g/mol, where it comes in moles and in grams
    charge: int | None = None  # of the ion, where it comes in equivalents
    spellings: frozenset[str] = field(default=frozenset())  # of an arbitrary unit
    is_vital_sign: bool = False

    @property
    def is_worded(self) -> bool:
        """Whether it comes in words instead of numbers."""
        return not self.unit

    @property
    def is_arbitrary(self) -> bool:
        """Whether its unit has no size: a score, a ratio, a pH."""
        return self.unit == "[pH]" or ucum.is_arbitrary(self.unit)

    def is_implausible(self, value: Decimal) -> bool:
        """Whether no living person has this value, in the analyte's own unit."""
        return self.plausible is not None and value not in self.plausible


def analyte_of(code: str) -> Analyte | None:
    """The analyte of a LOINC code, or None for one that the portal does not know.

    A blood pressure is two: its parts have codes of their own, the panel's code has none.
    """
    return _by_code().get(code)


def analyte_called(key: str) -> Analyte:
    """The analyte with this key; raises KeyError."""
    return _by_key()[key]


def _laboratory(
    key: str,
    name: str,
    codes: str,
    unit: str,
    plausible: tuple[str, str] | None = None,
    *,
    molar_mass: str | None = None,
    charge: int | None = None,
    spellings: str = "",
) -> Analyte:
    listed = codes.split()
    return Analyte(
        key=key,
        name=name,
        code=listed[0],
        codes=frozenset(listed),
        unit=unit,
        plausible=Limits(Decimal(plausible[0]), Decimal(plausible[1])) if plausible else None,
        molar_mass=Decimal(molar_mass) if molar_mass else None,
        charge=charge,
        spellings=frozenset(spellings.split()),
    )


LABORATORY: tuple[Analyte, ...] = (
    _laboratory("potassium", "Potassium", "2823-3 6298-4", "mmol/L", ("0.8", "15"), charge=1),
    _laboratory("sodium", "Sodium", "2951-2 2947-0", "mmol/L", ("80", "220"), charge=1),
    _laboratory(
        "glucose",
        "Glucose",
        "2345-7 2339-0 41653-7 2340-8 14749-6 15074-8",
        "mg/dL",
        ("2", "3000"),
        molar_mass="180.156",
    ),
    _laboratory(
        "calcium",
        "Calcium",
        "17861-6 49765-1 2000-8",
        "mg/dL",
        ("1", "30"),
        molar_mass="40.078",
        charge=2,
    ),
    _laboratory(
        "ionised-calcium",
        "Ionised calcium",
        "1994-3",
        "mmol/L",
        ("0.1", "5"),
        molar_mass="40.078",
        charge=2,
    ),
    _laboratory(
        "magnesium",
        "Magnesium",
        "19123-9 2601-3",
        "mg/dL",
        ("0.1", "30"),
        molar_mass="24.305",
        charge=2,
    ),
    # Reported as the phosphorus in it, in either unit.
    _laboratory(
        "phosphate", "Phosphate", "2777-1 14879-1", "mg/dL", ("0.1", "40"), molar_mass="30.974"
    ),
    _laboratory(
        "bicarbonate",
        "Bicarbonate",
        "2028-9 20565-8 1963-8 1960-4",
        "mmol/L",
        ("1", "80"),
        charge=1,
    ),
    # Two atoms of nitrogen to a molecule: a millimole of urea is 28 mg of urea nitrogen.
    _laboratory(
        "urea-nitrogen",
        "Urea nitrogen",
        "3094-0 6299-2 14937-7",
        "mg/dL",
        ("0.5", "500"),
        molar_mass="28.0134",
    ),
    _laboratory(
        "creatinine",
        "Creatinine",
        "2160-0 38483-4 14682-9",
        "mg/dL",
        ("0.05", "60"),
        molar_mass="113.12",
    ),
    _laboratory(
        "lactate", "Lactate", "2524-7 32693-4", "mmol/L", ("0.1", "50"), molar_mass="90.08"
    ),
    _laboratory("troponin-i", "Troponin I", "10839-9 89579-7", "ng/L", ("0", "10000000")),
    _laboratory("troponin-t", "Troponin T", "6598-7 67151-1", "ng/L", ("0", "10000000")),
    # By convention a mole is one of the four chains.
    _laboratory(
        "haemoglobin",
        "Haemoglobin",
        "718-7 20509-6 59260-0",
        "g/dL",
        ("0.5", "30"),
        molar_mass="16114",
    ),
    _laboratory("haematocrit", "Haematocrit", "4544-3 20570-8", "%", ("2", "85")),
    _laboratory("leukocytes", "Leukocytes", "6690-2 26464-8", "10*3/uL", ("0", "1500")),
    _laboratory("neutrophils", "Neutrophils", "751-8 26499-4", "10*3/uL", ("0", "1000")),
    _laboratory("platelets", "Platelets", "777-3 26515-7", "10*3/uL", ("0", "6000")),
    _laboratory("inr", "INR", "6301-6 34714-6", "{INR}", ("0.4", "40"), spellings="INR ratio"),
    _laboratory("aptt", "aPTT", "14979-9 3173-2", "s", ("5", "1000")),
    _laboratory("fibrinogen", "Fibrinogen", "3255-7", "mg/dL", ("1", "3000")),
    _laboratory("arterial-ph", "Arterial pH", "2744-1", "[pH]", ("6.2", "8.2"), spellings="pH"),
    _laboratory("pco2", "pCO2", "2019-8", "mm[Hg]", ("3", "250")),
    _laboratory("po2", "pO2", "2703-7", "mm[Hg]", ("3", "800")),
    _laboratory(
        "lithium", "Lithium", "14334-7", "mmol/L", ("0", "15"), molar_mass="6.94", charge=1
    ),
    _laboratory(
        "digoxin", "Digoxin", "10535-3 14698-5", "ng/mL", ("0", "100"), molar_mass="780.94"
    ),
    _laboratory("blood-culture", "Blood culture", "600-7", ""),
)


def _vital_sign(kind: Kind) -> Analyte:
    return Analyte(
        key=kind.name.lower().replace(" ", "-"),
        name=kind.name,
        code=kind.code,
        codes=frozenset(kind.codes),
        unit=kind.unit,
        plausible=kind.parts[0].plausible,
        places=kind.places,
        spellings=frozenset({"score", "(score)"}),
        is_vital_sign=True,
    )


# A pressure is here by its two parts, which `KINDS` also has as kinds of their own.
VITAL_SIGNS: tuple[Analyte, ...] = tuple(
    _vital_sign(kind) for kind in KINDS if kind.code != BLOOD_PRESSURE
)
ANALYTES = (*VITAL_SIGNS, *LABORATORY)


@cache
def _by_code() -> Mapping[str, Analyte]:
    return {code: analyte for analyte in ANALYTES for code in analyte.codes}


@cache
def _by_key() -> Mapping[str, Analyte]:
    return {analyte.key: analyte for analyte in ANALYTES}
