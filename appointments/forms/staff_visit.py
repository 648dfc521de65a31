"""What the staff says of a visit: how late it is, where it moves to, why it is called off."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Model

from appointments.forms.booking import TimeField
from appointments.models import Appointment, Mode, Room, VisitType
from appointments.wall_clock import instants_of, zone_name
from portal.models import Patient, Provider

LONGEST = 200
LATE = (5, 10, 15, 20, 30, 45, 60, 90, 120)


def line(label: str, *, required: str = "", help_text: str = "") -> forms.CharField:
    """A field for one line; `required` says what to do when it is empty."""
    return forms.CharField(
        label=label,
        required=bool(required),
        max_length=LONGEST,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": required,
            "max_length": f"Please use {LONGEST} letters at most.",
        },
    )


def day_field(label: str) -> forms.DateField:
    """A date, by the device's own calendar."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose a day.", "invalid": "Choose a day."},
    )


def clock_field(label: str) -> forms.TimeField:
    """A time of the clinic's day."""
    return forms.TimeField(
        label=label,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"required": "Choose a time.", "invalid": "Choose a time."},
    )


def chosen(model: type[Model], label: str, asks: str) -> forms.ModelChoiceField:
    """One of the rows that the form is given; `asks` says what to do while there is none."""
    return forms.ModelChoiceField(
        queryset=model._default_manager.none(),
        label=label,
        empty_label=asks,
        error_messages={"required": f"{asks}.", "invalid_choice": f"{asks}."},
    )


class VisitForm(forms.Form):
    """One of several forms on the page of a visit: each has ids of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"{self.prefixed}-%s"
        super().__init__(*args, **kwargs)

    @property
    def prefixed(self) -> str:
        """The beginning of every id in this form."""
        return type(self).__name__.removesuffix("Form").lower()


class LatenessForm(VisitForm):
    """How much later than booked it will begin."""

    minutes = forms.TypedChoiceField(
        label="How late will it begin?",
        coerce=int,
        choices=[*((each, f"{each} minutes late") for each in LATE), (0, "On time after all")],
        error_messages={"required": "Choose how late.", "invalid_choice": "Choose how late."},
    )


class CancellationForm(VisitForm):
    """Why the clinic calls it off."""

    reason = line(
        "Why is it called off?",
        required="Say why it is called off.",
        help_text="The patient reads this.",
    )


class SlotField(TimeField):
    """One of the free times that were shown, or none."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> tuple[datetime, UUID] | None:  # type: ignore[override]
        """The instant at which it begins and the provider; None when nothing was pressed."""
        return super().clean(value) if value else None


class WhenForm(VisitForm):
    """A day and a time on the clinic's clock, or one of the free times that were shown.

    A time that comes twice that night asks which is meant; one that does not come is refused.
    """

    on = day_field("Day")
    at = clock_field("Time")
    slot = SlotField(required=False)

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.starts_at: datetime | None = None
        self.slot_provider: UUID | None = None
        if self.data.get("slot"):
            self.fields["on"].required = self.fields["at"].required = False
        elif len(both := self._typed_instants()) > 1:
            names = [zone_name(each.astimezone(zone)) for each in both]
            self.fields["which"] = forms.ChoiceField(
                label="This time comes twice that night. Which one?",
                choices=list(zip("12", (f"The first ({names[0]})", f"The second ({names[1]})"),
                                 strict=True)),
                widget=forms.RadioSelect,
                error_messages={"required": "Choose the first or the second."},
            )  # fmt: skip
            self.order_fields(["on", "at", "which"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("slot"):
            self.starts_at, self.slot_provider = values["slot"]
        elif values.get("on") and values.get("at"):
            found = instants_of(values["on"], values["at"], self.zone)
            if not found:
                self.add_error("at", "The clocks go forward over this time: it does not come.")
            elif len(found) == 1:
                self.starts_at = found[0].astimezone(UTC)
            elif which := values.get("which"):
                self.starts_at = found[int(which) - 1].astimezone(UTC)
        return values

    def _typed_instants(self) -> list[datetime]:
        try:
            on = self.fields["on"].clean(self.data.get("on"))
            at = self.fields["at"].clean(self.data.get("at"))
        except forms.ValidationError:
            return []
        return instants_of(on, at, self.zone)


class MoveForm(WhenForm):
    """Where a visit goes: when, with whom, into which room."""

    provider = forms.ModelChoiceField(
        queryset=Provider.objects.none(), label="With", empty_label="As it is", required=False
    )
    room = forms.ModelChoiceField(
        queryset=Room.objects.none(), label="Room", empty_label="No room", required=False
    )
    reason = line("Why is it moved?", help_text="The patient reads this.")
    overbook_reason = line(
        "Book it although the time is taken, because",
        help_text="Leave this empty. It is for a clinician who has decided it.",
    )

    def __init__(
        self, *args: Any, visit: Appointment, providers: Any, rooms: Any, may_overbook: bool,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        local = visit.starts_at.astimezone(kwargs["zone"])
        kwargs["initial"] = {
            "on": local.date(),
            "at": local.time(),
            "provider": visit.provider_id,
            "room": visit.room_id,
        }
        super().__init__(*args, **kwargs)
        self.fields["provider"].queryset = providers  # type: ignore[attr-defined]
        self.fields["room"].queryset = rooms  # type: ignore[attr-defined]
        if not may_overbook:
            del self.fields["overbook_reason"]

    def says(self, name: str) -> bool:
        """Whether the field was sent at all: one of the free times alone says nothing of a room."""
        return name in self.data


class NewVisitForm(WhenForm):
    """A visit that the clinic books for one of its patients."""

    patient = chosen(Patient, "Patient", "Choose a patient")
    visit_type = chosen(VisitType, "What for", "Choose what for")
    provider = forms.ModelChoiceField(
        queryset=Provider.objects.none(),
        label="With",
        empty_label="Choose a provider",
        error_messages={"required": "Choose who sees them.", "invalid_choice": "Choose who."},
    )
    mode = forms.ChoiceField(label="How", choices=Mode.choices, required=False)
    room = forms.ModelChoiceField(
        queryset=Room.objects.none(), label="Room", empty_label="No room", required=False
    )
    overbook_reason = line(
        "Book it although the time is taken, because",
        help_text="Leave this empty. It is for a clinician who has decided it.",
    )

    field_order = ["patient", "visit_type", "mode", "provider", "on", "at", "which", "room"]

    def __init__(
        self, *args: Any, patients: Any, visit_types: Any, providers: Any, rooms: Any,
        may_overbook: bool, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        offered = {
            "patient": patients,
            "visit_type": visit_types,
            "provider": providers,
            "room": rooms,
        }
        for name, rows in offered.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        self.fields["patient"].label_from_instance = (  # type: ignore[attr-defined]
            lambda patient: f"{patient.name}, born {patient.birth_on:%-d %b %Y}, MRN {patient.mrn}"
        )
        if not may_overbook:
            del self.fields["overbook_reason"]
        self.order_fields(self.field_order)
