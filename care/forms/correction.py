"""Putting a reading right, or taking it back: the same numbers, and why."""

from typing import Any

from django import forms
from django.utils import timezone

from care.actions import Taken
from care.forms.fields import WHEN, WhenField
from care.forms.reading import UNITS, ReadingForm
from care.models import VitalSign
from care.units import figure
from care.vital_signs import Kind

WHY = "Say in a few words what was wrong."


def reason_field(*, is_team: bool) -> forms.CharField:
    """Why. The care team must say it; patients may."""
    return forms.CharField(
        label="What was wrong?",
        help_text="Others on the team read this." if is_team else "Your care team can read this.",
        max_length=200,
        required=is_team,
        error_messages={"required": WHY},
    )


class CorrectionForm(ReadingForm):
    """A reading as it stands, to be changed."""

    def __init__(
        self, kind: Kind, reading: VitalSign, *args: Any, is_team: bool, **kwargs: Any
    ) -> None:
        kwargs["initial"] = _standing(kind, reading)
        super().__init__(kind, *args, **kwargs)
        if kind.words:
            self.fields[self.names[0]] = forms.ChoiceField(
                label=kind.name, choices=[(words, words) for words in kind.words]
            )
        elif is_team:
            for name, part in zip(self.names, kind.parts, strict=True):
                self.fields[name].label, self.fields[name].help_text = part.name, ""
        self.fields["at"] = WhenField(label="When was it?")
        self.fields["reason"] = reason_field(is_team=is_team)

    @property
    def taken(self) -> Taken:
        """What the reading should say. Only after `is_valid()`."""
        if self.kind.words:
            return Taken(self.kind.code, text=self.cleaned_data[self.names[0]])
        return super().taken


class WithdrawalForm(forms.Form):
    """Why a reading is taken back."""

    def __init__(self, *args: Any, is_team: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"] = reason_field(is_team=is_team)


def _standing(kind: Kind, reading: VitalSign) -> dict[str, Any]:
    """The reading as it was written, in the unit it was written in."""
    values: dict[str, Any] = {"at": timezone.localtime(reading.measured_at).strftime(WHEN)}
    if kind.words:
        return values | {"number_0": reading.text_value}
    if kind.has_components:
        numbers = [reading.component(part.code) for part in kind.parts]
    else:
        numbers = [reading.value]
    for index, number in enumerate(numbers):
        values[f"number_{index}"] = "" if number is None else figure(number, kind.places)
    if kind.code in UNITS:
        own = dict(UNITS[kind.code])
        values["unit"] = reading.reported_unit if reading.reported_unit in own else kind.unit
        if values["unit"] == reading.reported_unit:
            values["number_0"] = reading.reported_value
    return values
