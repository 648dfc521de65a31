"""On which days somebody would come if a time became free."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from appointments.models import WaitlistEntry

_INVALID = {"required": "Please choose a day.", "invalid": "Please choose a day."}


class DayField(forms.DateField):
    """A day, chosen from the calendar of the device."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, error_messages=_INVALID, **kwargs)


class WaitForm(forms.Form):
    """From which day to which, and at which time of the day."""

    from_on = DayField(label="From")
    until_on = DayField(label="Until")
    day_part = forms.ChoiceField(
        label="What time of day suits you?",
        choices=WaitlistEntry.DayPart.choices,
        widget=forms.RadioSelect,
        required=False,
    )

    def clean_until_on(self) -> date:
        """Days in their order, of which the last is not over."""
        last: date = self.cleaned_data["until_on"]
        if last < timezone.localdate():
            raise forms.ValidationError("This day is over. Please choose a later one.")
        if last < self.cleaned_data.get("from_on", last):
            raise forms.ValidationError("The last day comes before the first one.")
        return last
