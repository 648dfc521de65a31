"""Facts about the cast's health, and the shared sample data where it is present."""

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

# Where a checkout finds the sample data; the project commits none of it (data/README.md there).
SAMPLES = Path(os.environ.get("SAMPLE_DATA", Path(__file__).resolve().parents[3] / "shared/data"))


def samples(name: str) -> Path:
    """A folder of the sample data; skips the test where it is absent."""
    folder = SAMPLES / name
    if not folder.is_dir():
        pytest.skip(
            f"the sample data “{name}” is not on this machine (SAMPLE_DATA names its folder)"
        )
    return folder


@pytest.fixture
def record_reading(system):
    """`record_reading(ana, "8867-4", 78, hours=2)`: a reading two hours ago, as rows."""
    from care.models import VitalSign
    from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC, kind_of

    def record(person, code, value, *, hours=1.0, **fields):
        kind = kind_of(code)
        if code == BLOOD_PRESSURE:
            fields["components"] = [
                {"code": SYSTOLIC, "value": str(value[0]), "unit": "mm[Hg]"},
                {"code": DIASTOLIC, "value": str(value[1]), "unit": "mm[Hg]"},
            ]
        else:
            fields["value"] = Decimal(str(value))
        with system(person.organization):
            return VitalSign.objects.create(
                organization=person.organization,
                patient=person.patient,
                category="vital-signs",
                code=code,
                display=kind.name if kind else code,
                unit=kind.unit if kind else "",
                measured_at=timezone.now() - timedelta(hours=hours),
                **fields,
            )

    return record


@pytest.fixture
def full_record(ana, system, record_reading):
    """Ana, six days after a knee operation, with something in every panel."""
    from care.models import (
        CarePlan,
        CarePlanActivity,
        Condition,
        Encounter,
        Goal,
        Medication,
        Procedure,
        Result,
    )
    from care.vital_signs import BLOOD_PRESSURE

    record_reading(ana, BLOOD_PRESSURE, (152, 84))
    record_reading(ana, "8867-4", 78)
    record_reading(ana, "8867-4", 80, hours=30)
    about = {"organization": ana.organization, "patient": ana.patient}
    now = timezone.now()
    with system():
        Procedure.objects.create(
            **about,
            display="Total replacement of left knee joint",
            status="completed",
            performed_at=now - timedelta(days=6),
        )
        Condition.objects.create(**about, display="Osteoarthritis of left knee", status="active")
        Condition.objects.create(**about, display="Viral sinusitis", status="resolved")
        Medication.objects.create(
            **about, display="Paracetamol 500 mg", dosage="1 tablet", status="active"
        )
        Medication.objects.create(**about, display="Ibuprofen 400 mg", status="stopped")
        Result.objects.create(
            **about,
            category="laboratory",
            code="2823-3",
            display="Potassium [Moles/volume] in Serum or Plasma",
            value=Decimal("5.4"),
            unit="mmol/L",
            range_low=Decimal("3.5"),
            range_high=Decimal("5.1"),
            measured_at=now - timedelta(days=1),
        )
        plan = CarePlan.objects.create(**about, display="Knee recovery", status="active")
        for position, (words, status) in enumerate(
            [("Knee bends", "completed"), ("Walk indoors", "in-progress")]
        ):
            CarePlanActivity.objects.create(
                **about, plan=plan, position=position, display=words, status=status
            )
        Goal.objects.create(**about, display="Climb the stairs", achievement="improving")
        Encounter.objects.create(
            **about, display="Wound check", setting="AMB", starts_at=now, status="finished"
        )
