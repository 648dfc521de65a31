"""One reading of one kind, as a patient or a caregiver enters it on a phone."""

import uuid
from decimal import Decimal
from typing import Any

from django import forms

from care.actions import Taken
from care.forms.fields import NumberField, WhenField, unit_field
from care.vital_signs import (
    BLOOD_PRESSURE,
    BREATHING,
    OXYGEN,
    PAIN,
    PULSE,
    TEMPERATURE,
    WEIGHT,
    Kind,
    kind_of,
)

# The units that a device at home may show.
UNITS = {
    TEMPERATURE: [("Cel", "°C"), ("[degF]", "°F")],
    WEIGHT: [("kg", "kg"), ("[lb_av]", "lb")],
}
# What a patient enters, by the word in the address.
KINDS: dict[str, Kind] = {
    word: kind
    for word, code in (
        ("pressure", BLOOD_PRESSURE),
        ("pulse", PULSE),
        ("oxygen", OXYGEN),
        ("temperature", TEMPERATURE),
        ("pain", PAIN),
        ("weight", WEIGHT),
        ("breathing", BREATHING),
    )
    if (kind := kind_of(code))
}
_LABELS = {BLOOD_PRESSURE: ("First number", "Second number")}
_HELP = {
    BLOOD_PRESSURE: ("The higher one, such as 120", "The lower one, such as 80"),
    PULSE: ("Beats in one minute, such as 72",),
    OXYGEN: ("The number with the % sign, such as 97",),
    TEMPERATURE: ("Such as 36.8 or 98.4",),
    WEIGHT: ("Such as 70.5",),
    BREATHING: ("Breaths in one minute, such as 16",),
}
_WIDGET = {"inputmode": "decimal", "autocomplete": "off", "enterkeyhint": "done"}


class ReadingForm(forms.Form):
    """The numbers of one kind of reading, their unit, the time.

    `is_right` repeats the numbers that somebody was asked about: an answer holds for those alone.
    """

    key = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}), initial=uuid.uuid4
    )
    is_right = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.asked: list[str] = []
        self.names = [f"number_{index}" for index in range(len(kind.parts))]
        labels, helps = _LABELS.get(kind.code, (kind.plain_name,)), _HELP.get(kind.code, ("",))
        if kind.code == PAIN:
            self.fields[self.names[0]] = forms.TypedChoiceField(
                label="How much does it hurt now?",
                help_text="0 is no pain. 10 is the worst pain.",
                choices=[(f"{number}", f"{number}") for number in range(11)],
                coerce=Decimal,
                widget=forms.RadioSelect,
                error_messages={"required": "Please choose a number."},
            )
        else:
            for name, label, words in zip(self.names, labels, helps, strict=True):
                self.fields[name] = NumberField(
                    label=label,
                    help_text=words,
                    required=True,
                    error_messages={"required": "Please type the number."},
                    widget=forms.TextInput(attrs=_WIDGET),
                )
        if kind.code in UNITS:
            self.fields["unit"] = unit_field(UNITS[kind.code], "What does it show?")
        self.fields["at"] = WhenField(
            label="When was it?", help_text="Leave this empty if it was just now."
        )

    @property
    def numbers(self) -> list[Any]:
        """The fields of the numbers, to draw."""
        return [self[name] for name in self.names]

    @property
    def typed(self) -> str:
        """The numbers as they were typed, which is what a question is about."""
        written = " / ".join(f"{self.data.get(name, '')}".strip() for name in self.names)
        unit = dict(UNITS.get(self.kind.code, [])).get(
            self.data.get("unit", ""), self.kind.written_unit
        )
        return f"{written} {unit}".strip()

    @property
    def taken(self) -> Taken:
        """What was entered. Only after `is_valid()`."""
        numbers = [self.cleaned_data[name] for name in self.names]
        many = self.kind.has_components
        return Taken(
            self.kind.code,
            None if many else numbers[0],
            components={
                part.code: number for part, number in zip(self.kind.parts, numbers, strict=True)
            }
            if many
            else {},
            unit=self.cleaned_data.get("unit", ""),
            is_right=self.cleaned_data["is_right"] == self.typed,
        )
