"""What an administrator sets about visits: kinds, rooms, hours, days off, holding and reminding.

Visits themselves are not here: they are about patients, and an administrator reads no record.
"""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import slugify

from appointments.models import (
    Availability,
    AvailabilityException,
    Holiday,
    Mode,
    Room,
    Rules,
    VisitType,
)
from portal.admin.base import OrganizationForm, PortalAdmin, PortalInline

_LENGTH = re.compile(r"(\d{1,4})\s*(d|day|days|h|hour|hours|min|minutes)\Z")
_MINUTES = {"d": 24 * 60, "h": 60, "m": 1}


class MayDelete:
    """Hours and days off are plans and no record: what no longer holds is taken away."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)  # type: ignore[attr-defined]


class VisitTypeForm(OrganizationForm):
    """A visit type, with its questions as lines of text."""

    modes = forms.MultipleChoiceField(
        label="How one meets", choices=Mode.choices, widget=forms.CheckboxSelectMultiple
    )
    asked = forms.CharField(
        label="Questions before the visit",
        help_text="One a line. Patients may answer when they book and when they check in.",
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )

    class Meta:
        model = VisitType
        fields = [
            *("name", "is_active", "self_scheduling", "modes", "minutes", "step_minutes"),
            *("buffer_before_minutes", "buffer_after_minutes"),
            *("lead_minutes", "horizon_days", "notice_minutes", "how_to_prepare"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        questions = self.instance.questions
        self.fields["asked"].initial = "\n".join(question["text"] for question in questions)

    def clean_asked(self) -> list[dict[str, str]]:
        """The questions; one that stays as it is keeps its key, by which answers are kept."""
        lines = [line.strip() for line in self.cleaned_data["asked"].splitlines() if line.strip()]
        if len(set(lines)) != len(lines):
            raise ValidationError("Two questions are the same.")
        keys = {question["text"]: question["key"] for question in self.instance.questions}
        used = set(keys.values())
        for line in lines:
            if line not in keys:
                keys[line] = _new_key(line, used)
                used.add(keys[line])
        return [{"key": keys[line], "text": line} for line in lines]

    def save(self, commit: bool = True) -> Any:
        self.instance.questions = self.cleaned_data["asked"]
        return super().save(commit)


class AvailabilityInline(MayDelete, PortalInline):
    """The weekly hours in which a type can be booked."""

    model = Availability
    fields = [
        *("provider", "weekday", "starts", "ends", "break_starts", "break_ends"),
        *("room", "mode", "from_on", "until_on"),
    ]
    show_change_link = False


@admin.register(VisitType)
class VisitTypeAdmin(PortalAdmin):
    """What can be booked, by whom, and in which hours of the week."""

    form = VisitTypeForm
    list_display = ["name", "self_scheduling", "minutes", "is_active"]
    list_filter = ["self_scheduling", "is_active"]
    search_fields = ["name"]
    fields = [*VisitTypeForm.Meta.fields, "asked"]
    inlines = [AvailabilityInline]


@admin.register(Room)
class RoomAdmin(PortalAdmin):
    """Rooms; one that is closed for a day is blocked in the schedule."""

    list_display = ["name", "how_to_find", "is_active"]
    search_fields = ["name"]
    fields = ["name", "how_to_find", "video_link", "is_active"]


@admin.register(AvailabilityException)
class AvailabilityExceptionAdmin(MayDelete, PortalAdmin):
    """Single days on which somebody is away, or has other hours than in other weeks."""

    list_display = ["provider", "on", "starts", "ends", "visit_type"]
    list_filter = ["on"]
    fields = ["provider", "on", "starts", "ends", "visit_type", "room"]


@admin.register(Holiday)
class HolidayAdmin(MayDelete, PortalAdmin):
    """Days on which the clinic is closed."""

    list_display = ["on", "name"]
    fields = ["on", "name"]


class LengthsField(forms.CharField):
    """Lengths of time, as people write them: "7 days, 48 h, 2 h". Minutes for the row."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(_said(minutes) for minutes in sorted(value, reverse=True))

    def clean(self, value: Any) -> list[int]:
        found = []
        for part in filter(None, (part.strip().lower() for part in (value or "").split(","))):
            length = _LENGTH.match(part)
            if length is None:
                raise ValidationError(f"“{part}” is not a length of time, such as 2 days or 2 h.")
            found.append(int(length[1]) * _MINUTES[length[2][0]])
        if len(found) > 6:
            raise ValidationError("Six at most: more is noise.")
        return sorted(set(found), reverse=True)


class RulesForm(OrganizationForm):
    """A clinic's rules."""

    reminder_minutes = LengthsField(
        label="Remind before a visit",
        help_text="Such as: 7 days, 2 days, 2 h. Empty: no reminders.",
        required=False,
    )

    class Meta:
        model = Rules
        fields = ["reminder_minutes", "hold_minutes", "offers_at_once", "offer_minutes"]


@admin.register(Rules)
class RulesAdmin(PortalAdmin):
    """One row for each clinic; without it the usual holds."""

    form = RulesForm
    list_display = ["__str__", "hold_minutes", "offers_at_once", "offer_minutes"]
    fields = RulesForm.Meta.fields

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_add_permission(request, obj) and not self.get_queryset(request).exists()


def _new_key(line: str, used: set[str]) -> str:
    stem = slugify(line)[:30] or "question"
    number, key = 1, stem
    while key in used:
        number += 1
        key = f"{stem}-{number}"
    return key


def _said(minutes: int) -> str:
    for size, word in ((24 * 60, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size} {word}"
    return f"{minutes} min"
