"""A set of vital signs as a clinician takes it at the bedside or on a visit."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms

from care.actions import Taken
from care.forms.fields import NumberField, WhenField, unit_field
from care.forms.reading import UNITS
from care.news2 import Consciousness
from care.vital_signs import (
    BLOOD_PRESSURE,
    BREATHING,
    CONSCIOUSNESS,
    DIASTOLIC,
    INHALED_OXYGEN,
    OXYGEN,
    OXYGEN_FLOW,
    PAIN,
    PULSE,
    SYSTOLIC,
    TEMPERATURE,
    WEIGHT,
    kind_of,
)

AIR, ON_OXYGEN = "air", "oxygen"
# Field names by the code they are stored under; the order is that of the observation chart.
_NUMBERS = {
    "breathing": BREATHING,
    "saturation": OXYGEN,
    "flow": OXYGEN_FLOW,
    "inhaled": INHALED_OXYGEN,
    "systolic": SYSTOLIC,
    "diastolic": DIASTOLIC,
    "pulse": PULSE,
    "temperature": TEMPERATURE,
    "pain": PAIN,
    "weight": WEIGHT,
}
_FIELD_OF = {code: name for name, code in _NUMBERS.items()}


class RoundForm(forms.Form):
    """Everything that was measured at one time; nothing must be."""

    key = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}), initial=uuid.uuid4
    )
    breathing = NumberField(label="Respiratory rate, /min")
    saturation = NumberField(label="Oxygen saturation, %")
    air = forms.ChoiceField(
        label="Air or oxygen",
        choices=[("", "Not recorded"), (AIR, "Air"), (ON_OXYGEN, "Oxygen")],
        widget=forms.RadioSelect,
        required=False,
    )
    flow = NumberField(label="Oxygen flow, L/min")
    inhaled = NumberField(label="or inhaled oxygen, %")
    systolic = NumberField(label="Systolic, mmHg")
    diastolic = NumberField(label="Diastolic, mmHg")
    pulse = NumberField(label="Heart rate, /min")
    consciousness = forms.ChoiceField(
        label="Consciousness",
        choices=[("", "Not recorded"), *((each.value, each.value) for each in Consciousness)],
        required=False,
    )
    temperature = NumberField(label="Temperature")
    temperature_unit = unit_field(UNITS[TEMPERATURE])
    pain = NumberField(label="Pain, 0 to 10")
    weight = NumberField(label="Weight")
    weight_unit = unit_field(UNITS[WEIGHT])
    at = WhenField(label="Measured at", help_text="Empty: now.")
    # Repeats the numbers that were asked about: an answer holds for those alone.
    is_right = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"temperature_unit": "Cel", "weight_unit": "kg"} | kwargs.get(
            "initial", {}
        )
        super().__init__(*args, **kwargs)
        self.asked: list[str] = []
        for name in ("temperature_unit", "weight_unit"):
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Half a pressure is none, oxygen has a flow or a share, and an empty set is not saved."""
        cleaned: dict[str, Any] = super().clean() or {}
        pair = ("systolic", "diastolic")
        given = [name for name in pair if cleaned.get(name) is not None]
        for name in pair:
            if len(given) == 1 and name not in given and name not in self.errors:
                self.add_error(name, "A blood pressure needs both numbers.")
        amounts = [cleaned.get("flow"), cleaned.get("inhaled")]
        has_amount = any(amount is not None for amount in amounts)
        if cleaned.get("air") == AIR and has_amount:
            self.add_error("air", "Air has no flow: choose oxygen, or clear the flow.")
        if cleaned.get("air") == ON_OXYGEN and not any(amounts):
            self.add_error("flow", "Give the flow, or how much oxygen is inhaled.")
        if not self.errors and not list(self._readings(cleaned)):
            self.add_error(None, "Enter at least one value.")
        return cleaned

    @property
    def taken(self) -> list[Taken]:
        """Everything that was entered. Only after `is_valid()`."""
        return list(self._readings(self.cleaned_data))

    def typed(self, code: str) -> str:
        """What was typed for a code, with its name, as a question quotes it."""
        name = _FIELD_OF[code]
        kind = kind_of(code)
        unit = self._unit(name, self.data)
        words = dict(UNITS.get(code, [])).get(unit, kind.written_unit if kind else "")
        label = kind.name if kind else name
        return f"{label} {self.data.get(name, '').strip()} {words}".strip()

    def _readings(self, cleaned: dict[str, Any]) -> Iterator[Taken]:
        if cleaned.get("systolic") is not None and cleaned.get("diastolic") is not None:
            pressure = {SYSTOLIC: cleaned["systolic"], DIASTOLIC: cleaned["diastolic"]}
            yield self._taken(BLOOD_PRESSURE, components=pressure)
        if cleaned.get("air") == AIR:
            yield self._taken(OXYGEN_FLOW, value=Decimal(0))
        for name, code in _NUMBERS.items():
            if code not in (SYSTOLIC, DIASTOLIC) and cleaned.get(name) is not None:
                yield self._taken(code, value=cleaned[name], unit=self._unit(name, cleaned))
        if cleaned.get("consciousness"):
            yield self._taken(CONSCIOUSNESS, text=cleaned["consciousness"])

    def _taken(self, code: str, **fields: Any) -> Taken:
        return Taken(code, is_right=self._is_right, **fields)

    @property
    def _is_right(self) -> bool:
        said = self.data.get("is_right", "")
        return bool(said) and said == self.fingerprint

    @property
    def fingerprint(self) -> str:
        """Every number as it was typed."""
        names = (*_NUMBERS, "temperature_unit", "weight_unit")
        return "|".join(f"{self.data.get(name, '')}".strip() for name in names)

    def _unit(self, name: str, values: Any) -> str:
        return str(values.get(f"{name}_unit") or "") if name in ("temperature", "weight") else ""
