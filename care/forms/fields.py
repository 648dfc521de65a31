"""Fields that a thumb can fill in, and that keep what was typed as it was typed."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils import timezone

# What an <input type="datetime-local"> holds.
WHEN = "%Y-%m-%dT%H:%M"
# Nothing that a person reads off a device has more digits.
MOST = 10**6
NOT_A_NUMBER = "Please type a number here, such as 72."


class NumberField(forms.CharField):
    """A decimal as people type it: “37,5” is 37.5. Text, so that a browser drops nothing."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", 12)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        """The number, or None where nothing was typed."""
        text = super().clean(value)
        if not text:
            return None
        try:
            number = Decimal(text.replace(",", ".").replace(" ", ""))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) >= MOST:
            raise forms.ValidationError(NOT_A_NUMBER)
        return number


class WhenField(forms.DateTimeField):
    """A time on the clinic's clock; empty is now."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=WHEN)
        kwargs = {"required": False, "input_formats": [WHEN, f"{WHEN}:%S"], **kwargs}
        super().__init__(
            widget=widget,
            error_messages={"invalid": "Please choose a day and a time."},
            **kwargs,
        )

    def clean(self, value: Any) -> datetime:
        """The time that was chosen, or now."""
        return super().clean(value) or timezone.now()


def unit_field(choices: list[tuple[str, str]], label: str = "Unit") -> forms.ChoiceField:
    """Which unit the device shows."""
    return forms.ChoiceField(
        label=label,
        choices=choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Please choose the unit."},
    )
