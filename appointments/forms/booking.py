"""What a patient chooses and answers when they book, prepare for or call off a visit."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms

from appointments.models import Mode, VisitType
from appointments.wording import REASONS

# Questions come by their place, answers go by their key: a key may hold any letters.
ANSWER = "answer_{}"
_STAMP = "%Y%m%dT%H%MZ"


def written(starts_at: datetime, provider_id: UUID) -> str:
    """A free time as the value of its button: when it begins, and with whom."""
    return f"{starts_at.astimezone(UTC):{_STAMP}}.{provider_id}"


class TimeField(forms.CharField):
    """The value of a free time's button."""

    def clean(self, value: Any) -> tuple[datetime, UUID]:
        """The instant at which it begins and the provider."""
        stamp, _, provider = super().clean(value).partition(".")
        try:
            return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), UUID(provider)
        except ValueError:
            raise forms.ValidationError("Please choose a time.") from None


class ChosenTimeForm(forms.Form):
    """The free time that was pressed, for whom, and which visit would move there."""

    patient = forms.UUIDField()
    visit_type = forms.UUIDField()
    time = TimeField()
    mode = forms.ChoiceField(choices=Mode.choices, required=False)
    moves = forms.UUIDField(required=False)


class QuestionsForm(forms.Form):
    """What a visit type asks before the visit. Nobody has to answer."""

    def __init__(self, visit_type: VisitType | None, *args: Any, **kwargs: Any) -> None:
        known = kwargs.pop("answers", {})
        super().__init__(*args, **kwargs)
        self.keys: dict[str, str] = {}
        for number, question in enumerate(visit_type.questions if visit_type else []):
            name = ANSWER.format(number)
            self.keys[name] = question["key"]
            self.fields[name] = forms.CharField(
                label=question["text"],
                required=False,
                max_length=1000,
                initial=known.get(question["key"], ""),
                widget=forms.Textarea(attrs={"rows": 2, "data-keep": name, "autocomplete": "off"}),
                error_messages={"max_length": "Please use fewer words here."},
            )

    @property
    def answers(self) -> dict[str, str]:
        """The answers by the key of their question. Only after `is_valid()`."""
        return {key: self.cleaned_data[name] for name, key in self.keys.items()}


class CancelForm(forms.Form):
    """Why a visit is called off."""

    reason = forms.ChoiceField(
        label="Why do you call it off?",
        choices=REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Please choose a reason."},
    )
    words = forms.CharField(
        label="Is there more we should know?",
        required=False,
        max_length=140,
        widget=forms.TextInput(attrs={"data-keep": "words", "autocomplete": "off"}),
        error_messages={"max_length": "Please use fewer words here: 140 letters at most."},
    )

    @property
    def said(self) -> str:
        """The reason as the clinic reads it. Only after `is_valid()`."""
        chosen = dict(REASONS)[self.cleaned_data["reason"]]
        words = self.cleaned_data["words"].strip()
        return f"{chosen}: {words}" if words else chosen
