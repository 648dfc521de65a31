"""What the staff does with whole stretches of time: blocking some, moving a day."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from appointments.forms.staff_visit import VisitForm, chosen, clock_field, day_field, line
from appointments.models import Room, VisitType, WaitlistEntry
from notifications.quiet_hours import instant
from portal.models import Patient, Provider

LATER = (0, 10, 15, 20, 30, 45, 60, 90, 120, 180)


class BlockForm(VisitForm):
    """Time in which a provider or a room takes no visits."""

    provider = forms.ModelChoiceField(
        queryset=Provider.objects.none(), label="Whose time", empty_label="Nobody’s", required=False
    )
    room = forms.ModelChoiceField(
        queryset=Room.objects.none(), label="Room", empty_label="No room", required=False
    )
    on = day_field("Day")
    at = clock_field("From")
    until = clock_field("Until")
    reason = line("Why?", required="Say why.", help_text="All staff read this: name no patient.")

    def __init__(self, *args: Any, zone: ZoneInfo, providers: Any, rooms: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["provider"].queryset = providers  # type: ignore[attr-defined]
        self.fields["room"].queryset = rooms  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("provider") and not values.get("room"):
            self.add_error("provider", "Choose whose time, or which room.")
        at, until = values.get("at"), values.get("until")
        if at and until and until <= at:
            self.add_error("until", "It ends after it begins.")
        return values

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        """From the first such time of the day to the last one. Only after `is_valid()`."""
        values = self.cleaned_data
        return (
            instant(values["on"], values["at"], self.zone),
            instant(values["on"], values["until"], self.zone, last=True),
        )


class DayMoveForm(VisitForm):
    """All that is booked with somebody on a day goes to another day, or is later."""

    provider = forms.ModelChoiceField(
        queryset=Provider.objects.none(),
        label="Whose day",
        empty_label="Choose a provider",
        error_messages={"required": "Choose whose day.", "invalid_choice": "Choose whose day."},
    )
    on = day_field("From")
    to = day_field("To")
    minutes = forms.TypedChoiceField(
        label="At what time",
        coerce=int,
        choices=[
            (each, f"Each {each} minutes later" if each else "Each at its own time of day")
            for each in LATER
        ],
        initial=0,
        error_messages={"invalid_choice": "Choose one of these."},
    )
    reason = line("Why?", required="Say why.", help_text="Every patient concerned reads this.")

    def __init__(self, *args: Any, providers: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["provider"].queryset = providers  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("on") and values.get("on") == values.get("to") and not values.get("minutes"):
            self.add_error("to", "Choose another day, or a later time.")
        return values


class WaitingForm(VisitForm):
    """A patient waits for an earlier time."""

    patient = chosen(Patient, "Patient", "Choose a patient")
    visit_type = chosen(VisitType, "What for", "Choose what for")
    from_on = day_field("From")
    until_on = day_field("Until")
    day_part = forms.ChoiceField(
        label="When", choices=WaitlistEntry.DayPart.choices, required=False
    )

    def __init__(self, *args: Any, patients: Any, visit_types: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["patient"].queryset = patients  # type: ignore[attr-defined]
        self.fields["visit_type"].queryset = visit_types  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_on"), values.get("until_on")
        if first and last and last < first:
            self.add_error("until_on", "The last day is not before the first.")
        return values
