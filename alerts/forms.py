"""What people say when they act on an alert. Every line is short: it is typed at four at night."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms

from alerts.lifecycle import SNOOZE_AT_MOST
from alerts.models import Alert, Outcome, Severity

LONGEST_NOTE = 300
QUICK = ("On my way", "Reviewed, no change", "Called the patient")
MINUTES = (15, 30, 45, 60, 120, 240, 480, 1440)


def line(label: str, *, required: str = "", **attributes: str) -> forms.CharField:
    """A field for one line; `required` says what to do when it is empty."""
    return forms.CharField(
        label=label,
        required=bool(required),
        max_length=LONGEST_NOTE,
        widget=forms.TextInput(attrs={"autocomplete": "off", **attributes}),
        error_messages={
            "required": required,
            "max_length": f"Please use {LONGEST_NOTE} letters at most.",
        },
    )


class AlertForm(forms.Form):
    """A form about one alert; several stand on a page, so each has fields of its own name."""

    def __init__(self, data: Any = None, *, alert: Alert, **kwargs: Any) -> None:
        super().__init__(data, auto_id=f"{self.prefixed}-%s-{alert.phase}", **kwargs)

    @property
    def prefixed(self) -> str:
        """The beginning of every id in this form."""
        return type(self).__name__.removesuffix("Form").lower()


class AcknowledgementForm(AlertForm):
    """One line, or one of three quick texts."""

    note = line("One line, if you like")
    quick = forms.ChoiceField(choices=[(text, text) for text in QUICK], required=False)

    @property
    def words(self) -> str:
        """What is put on record."""
        return str(self.cleaned_data["quick"] or self.cleaned_data["note"]).strip()


class ActForm(AlertForm):
    """What was done."""

    note = line("What was done?", required="Say what was done, in one line.")


class HandoverForm(AlertForm):
    """Who is asked to take it."""

    to = forms.ChoiceField(
        label="To whom?",
        error_messages={
            "required": "Choose who takes it.",
            "invalid_choice": "Choose who takes it.",
        },
    )
    note = line("What should they know?")

    def __init__(self, data: Any = None, *, people: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose a person"), *((str(pk), name) for pk, name in people)]


class SnoozeForm(AlertForm):
    """For how long, and why it can wait."""

    minutes = forms.TypedChoiceField(
        label="For how long?",
        coerce=int,
        error_messages={
            "required": "Choose how long.",
            "invalid_choice": "Choose one of these times.",
        },
    )
    reason = line("Why can it wait?", required="Say why it can wait.")

    def __init__(self, data: Any = None, *, alert: Alert, **kwargs: Any) -> None:
        super().__init__(data, alert=alert, **kwargs)
        field = self.fields["minutes"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each, _how_long(each)) for each in bounded(alert)]


class ClosureForm(AlertForm):
    """How it ended."""

    outcome = forms.ChoiceField(
        label="How did it end?",
        choices=[(each.value, each.label) for each in (Outcome.DONE, Outcome.NOT_NEEDED)],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it ended."},
    )
    note = line("In one line")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("outcome") == Outcome.NOT_NEEDED and not values.get("note"):
            self.add_error("note", "Say why nothing was needed.")
        return values


def bounded(alert: Alert) -> list[int]:
    """The minutes for which an alert may be snoozed: a low value sooner bites than a high one."""
    severity = Severity(alert.severity)
    most = SNOOZE_AT_MOST[severity]
    if severity is Severity.CRITICAL and alert.direction == "low":
        most = timedelta(minutes=45)
    return [each for each in MINUTES if timedelta(minutes=each) <= most]


def _how_long(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} minutes"
    hours = minutes // 60
    return "1 hour" if hours == 1 else f"{hours} hours"
