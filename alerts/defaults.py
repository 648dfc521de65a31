"""Rules and policies that a clinic begins with: a proposal, off until the site confirms it.

Critical laboratory values are compiled from the published lists of five hospitals, whose limits
differ; the bands for vital signs are for adults who recover at home. None of it is a norm: the site
must confirm it. An administrator looks at each rule, tries it on the last 30 days, and only
then switches it on. NEWS2: © Royal College of Physicians 2017.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from alerts.models import EscalationPolicy, PolicyVersion, Rule, RuleKind, RuleVersion, Severity
from care.analytes import Analyte, analyte_of
from care.questionnaires.shelf import PHQ_9, SELF_HARM

CRITICAL, URGENT, NOTICE = Severity.CRITICAL, Severity.URGENT, Severity.NOTICE
ADULT = 18
# NEWS2 is made for people from this age on.
NEWS2_FROM = 16

# Code, unit, critical at or below, critical at or above. The analyte knows its other codes.
LABORATORY: tuple[tuple[str, str, str, str], ...] = (
    ("2823-3", "mmol/L", "2.8", "6.0"),  # potassium
    ("2951-2", "mmol/L", "125", "155"),  # sodium
    ("2345-7", "mg/dL", "50", "450"),  # glucose
    ("17861-6", "mg/dL", "6.5", "13.0"),  # calcium
    ("1994-3", "mmol/L", "0.75", "1.55"),  # ionised calcium
    ("19123-9", "mg/dL", "1.0", "4.5"),  # magnesium
    ("2777-1", "mg/dL", "1.0", "10.0"),  # phosphate
    ("2028-9", "mmol/L", "10", "40"),  # bicarbonate
    ("3094-0", "mg/dL", "", "100"),  # urea nitrogen
    ("2160-0", "mg/dL", "", "6.0"),  # creatinine; mute it for known dialysis
    ("2524-7", "mmol/L", "", "4.0"),  # lactate
    ("718-7", "g/dL", "7.0", "20.0"),  # haemoglobin
    ("4544-3", "%", "20", "60"),  # haematocrit
    ("6690-2", "10*3/uL", "1.0", "50"),  # leukocytes
    ("751-8", "10*3/uL", "0.5", ""),  # neutrophils
    ("777-3", "10*3/uL", "20", "1000"),  # platelets
    ("6301-6", "{INR}", "", "5.0"),  # INR
    ("14979-9", "s", "", "150"),  # aPTT
    ("3255-7", "mg/dL", "100", ""),  # fibrinogen
    ("2744-1", "[pH]", "7.20", "7.60"),  # arterial pH
    ("2019-8", "mm[Hg]", "20", "60"),  # pCO2
    ("2703-7", "mm[Hg]", "45", ""),  # pO2
    ("14334-7", "mmol/L", "", "1.5"),  # lithium
    ("10535-3", "ng/mL", "", "2.5"),  # digoxin
)
# Troponin has no limit that holds for every assay: the site writes that rule itself.

# Code, unit, severity, at or below, at or above: adults at home. Critical is where NEWS2 gives
# three points or beyond, urgent is where one reading alone deserves a call the same day.
VITAL_SIGNS: tuple[tuple[str, str, Severity, str, str], ...] = (
    ("8867-4", "/min", CRITICAL, "40", "131"),  # pulse
    ("8867-4", "/min", URGENT, "45", "120"),
    ("9279-1", "/min", CRITICAL, "8", "25"),  # respiration
    ("9279-1", "/min", URGENT, "10", "22"),
    ("59408-5", "%", CRITICAL, "91", ""),  # oxygen saturation; scale 2 needs a patient's own limits
    ("59408-5", "%", URGENT, "93", ""),
    ("8480-6", "mm[Hg]", CRITICAL, "90", "200"),  # systolic pressure
    ("8480-6", "mm[Hg]", URGENT, "100", "180"),
    ("8462-4", "mm[Hg]", CRITICAL, "", "120"),  # diastolic pressure
    ("8462-4", "mm[Hg]", URGENT, "", "110"),
    ("8310-5", "Cel", CRITICAL, "35.0", "40.0"),  # temperature
    ("8310-5", "Cel", URGENT, "35.5", "38.5"),
)
PULSE, WEIGHT, PAIN = "8867-4", "29463-7", "72514-3"

# Name, steps as minutes and whom, rounds after the first, minutes between rounds, and the targets:
# told, acknowledged, acted, in minutes from the result. The shape is that of hospitals that publish
# theirs: told within minutes, thirty to an answer, sixty to an act.
POLICIES: Mapping[str, dict[str, Any]] = {
    CRITICAL: {
        "name": "Critical alerts",
        "steps": [(0, "care_team"), (5, "on_call"), (5, "nurses"), (10, "clinicians")],
        "repeats": 2,
        "every": 10,
        "targets": (5, 30, 60),
    },
    URGENT: {
        "name": "Urgent alerts",
        "steps": [(0, "care_team"), (30, "on_call"), (30, "nurses")],
        "repeats": 1,
        "every": 60,
        "targets": (15, 60, 240),
    },
    NOTICE: {
        "name": "Notices",
        "steps": [(0, "care_team")],
        "repeats": 0,
        "every": 720,
        "targets": (60, 1440, 2880),
    },
}


def install_defaults(
    organization_id: UUID, *, rota_id: UUID | None = None, switched_on: bool = False
) -> int:
    """Give an organization the rules and policies that it has not; return how many rules are new.

    What is there by that name stays as it is, whatever the site made of it. `rota_id` is the rota
    whose on-call the policies tell; without one they tell every nurse instead. For the system or an
    administrator.
    """
    policies = {
        severity: _policy(organization_id, said, rota_id) for severity, said in POLICIES.items()
    }
    known = set(Rule.objects.filter(organization_id=organization_id).values_list("name", flat=True))
    versions = [
        RuleVersion(
            organization_id=organization_id,
            rule=Rule(organization_id=organization_id, name=name, is_on=switched_on),
            number=1,
            policy=policies[said["severity"]],
            **said,
        )
        for name, said in rules()
        if name not in known
    ]
    Rule.objects.bulk_create([version.rule for version in versions])
    RuleVersion.objects.bulk_create(versions)
    return len(versions)


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every default rule: its name, and what its version says."""
    for code, unit, low, high in LABORATORY:
        analyte = _known(code)
        yield f"{analyte.name}, critical", _about(analyte, CRITICAL, unit, low, high)
    yield (
        "Blood culture, positive",
        {
            "what": "Blood culture",
            "severity": CRITICAL,
            "codes": sorted(_known("600-7").codes),
            # Whatever grew, by whatever name: `alerts.cultures` says what denies it.
            "words": ["positive", "growth", "detected"],
        },
    )
    for code, unit, severity, low, high in VITAL_SIGNS:
        analyte = _known(code)
        said = _about(analyte, severity, unit, low, high)
        yield f"{analyte.name}, {severity.value}", said | {"age_from": ADULT}
    yield from _scores()
    yield from _courses()


def _scores() -> Iterator[tuple[str, dict[str, Any]]]:
    news2 = {"kind": RuleKind.NEWS2, "what": "NEWS2", "age_from": NEWS2_FROM}
    yield "NEWS2 of 7 and more", {**news2, "severity": CRITICAL, "high": Decimal(7)}
    yield (
        "NEWS2 of 5 or 6, or three in one parameter",
        {**news2, "severity": URGENT, "high": Decimal(5), "single_three": True},
    )
    # Critical and not urgent: an urgent alert may close by itself when the next answer is better,
    # and somebody who has thought of being better off dead is owed a person who has read it.
    yield (
        "PHQ-9, thoughts of self-harm",
        {
            "kind": RuleKind.ANSWER,
            "severity": CRITICAL,
            "what": "PHQ-9, question 9",
            "questionnaire": PHQ_9,
            "item": SELF_HARM,
            "high": Decimal(1),
        },
    )
    yield (
        "PHQ-9, severe",
        {
            "kind": RuleKind.ANSWER,
            "severity": URGENT,
            "what": "PHQ-9, score",
            "questionnaire": PHQ_9,
            "high": Decimal(20),
        },
    )


def _courses() -> Iterator[tuple[str, dict[str, Any]]]:
    pain = _known(PAIN)
    yield "Pain of 7 and more", _about(pain, NOTICE, pain.unit, "", "7")
    change = {"kind": RuleKind.CHANGE, "severity": NOTICE}
    yield (
        "Pain, 3 more within a day",
        {**_about(pain, NOTICE, pain.unit, "", "3"), **change, "hours": Decimal(24)},
    )
    weight = _known(WEIGHT)
    yield (
        "Weight, 2 kg more within three days",
        {**_about(weight, NOTICE, weight.unit, "", "2"), **change, "hours": Decimal(72)},
    )
    pulse = _known(PULSE)
    yield (
        "No reading for 36 hours",
        {
            "kind": RuleKind.SILENCE,
            "severity": NOTICE,
            "what": "Readings",
            "codes": sorted(pulse.codes),
            "hours": Decimal(36),
        },
    )


def _about(analyte: Analyte, severity: Severity, unit: str, low: str, high: str) -> dict[str, Any]:
    return {
        "what": analyte.name,
        "severity": severity,
        "codes": sorted(analyte.codes),
        "unit": unit,
        "low": Decimal(low) if low else None,
        "high": Decimal(high) if high else None,
    }


def _known(code: str) -> Analyte:
    analyte = analyte_of(code)
    if analyte is None:
        raise LookupError(f"No analyte has the code {code}.")
    return analyte


def _policy(
    organization_id: UUID, said: Mapping[str, Any], rota_id: UUID | None
) -> EscalationPolicy:
    policy, is_new = EscalationPolicy.objects.get_or_create(
        organization_id=organization_id, name=said["name"]
    )
    if is_new:
        told, acknowledged, acted = said["targets"]
        PolicyVersion.objects.create(
            organization_id=organization_id,
            policy=policy,
            number=1,
            steps=[_step(wait, tell, rota_id) for wait, tell in said["steps"]],
            repeats=said["repeats"],
            every=said["every"],
            told_within=told,
            acknowledged_within=acknowledged,
            acted_within=acted,
        )
    return policy


def _step(wait: int, tell: str, rota_id: UUID | None) -> dict[str, Any]:
    if tell == "on_call" and rota_id is not None:
        return {"wait": wait, "tell": "on_call", "who": str(rota_id)}
    if tell == "care_team":
        return {"wait": wait, "tell": "care_team", "who": ""}
    return {"wait": wait, "tell": "role", "who": "clinician" if tell == "clinicians" else "nurse"}
