"""What a person fills in about being told: kinds and channels, hours, a telephone number."""

import re
import zoneinfo
from typing import Any

from django import forms

from notifications.models import Channel, Kind, Phone, Wishes
from notifications.offers import CHANNEL_WORDS, channels_now, kinds_for
from notifications.situation import choices_of, wanted
from portal.access import Reader

_UNKNOWN = {"invalid_choice": "Please choose from the list."}
# Places people live in; the rest of the tz database are old names of these, and technical ones.
_PLACES = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip


def _time(label: str, help_text: str = "") -> forms.TimeField:
    clock = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, help_text=help_text, required=False, widget=clock)


class WishesForm(forms.Form):
    """All of the page's own form. Fields for kinds are named `kind_<kind>`."""

    important_channel = forms.ChoiceField(
        label="Critical alerts reach you at any hour, at least by",
        required=False,
        help_text="It is used even when you want alerts in no other way.",
        error_messages=_UNKNOWN,
    )
    quiet_from = _time("Quiet from")
    quiet_until = _time("Quiet until")
    time_zone = forms.ChoiceField(label="Your time zone", required=False, error_messages=_UNKNOWN)
    hourly_cap = forms.IntegerField(
        label="At most this many an hour",
        min_value=1,
        max_value=60,
        help_text="The rest comes as one message when the hour is over.",
        error_messages={
            "min_value": "Please choose a number from 1 to 60.",
            "max_value": "Please choose a number from 1 to 60.",
        },
    )
    digest_at = _time("One e-mail a day, at", help_text="Leave it empty to get each one at once.")

    def __init__(self, *args: Any, reader: Reader, wishes: Wishes, **kwargs: Any) -> None:
        self.reader, self.kinds, self.channels = reader, kinds_for(reader), channels_now()
        kwargs["initial"] = {
            name: getattr(wishes, name)
            for name in ("important_channel", "quiet_from", "quiet_until", "time_zone",
                         "hourly_cap", "digest_at")
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        offered = [(channel.value, CHANNEL_WORDS[channel]) for channel in self.channels]
        choices = choices_of(reader.organization_id, reader.user_id)
        for kind, label in self.kinds.items():
            self.fields[f"kind_{kind}"] = forms.MultipleChoiceField(
                label=label,
                choices=offered,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                error_messages=_UNKNOWN,
                initial=[channel.value for channel in wanted(kind, reader, choices)],
            )
        clinic = wishes.organization.time_zone
        self._choices("time_zone", [("", f"Like the clinic ({_town(clinic)})"), *_zones()])
        self._choices("important_channel", [("", "The loudest that is set up"), *offered])
        if not reader.is_clinical:
            del self.fields["important_channel"]

    @property
    def kind_fields(self) -> list[Any]:
        """The bound fields of the kinds, in their order."""
        return [self[f"kind_{kind}"] for kind in self.kinds]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if (begins is None) != (ends is None) and not self.errors:
            missing = "quiet_until" if ends is None else "quiet_from"
            self.add_error(missing, "Quiet time needs a start and an end.")
        elif begins is not None and begins == ends:
            self.add_error("quiet_until", "Quiet time must end at another time than it starts.")
        return cleaned

    def chosen(self) -> dict[Kind, set[Channel]]:
        """For each kind, the channels that were ticked."""
        return {
            kind: {Channel(value) for value in self.cleaned_data[f"kind_{kind}"]}
            for kind in self.kinds
        }

    def wishes(self) -> dict[str, Any]:
        """The fields of Wishes."""
        return {
            name: value for name, value in self.cleaned_data.items() if not name.startswith("kind_")
        }

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class PhoneForm(forms.Form):
    """A number, however its owner writes it."""

    number = forms.CharField(
        label="Mobile number",
        max_length=40,
        help_text="With the country code: +1 617 555 0100",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"required": "Please write your number."},
    )

    def clean_number(self) -> str:
        number = re.sub(r"[\s().\-/\u00a0]", "", self.cleaned_data["number"])
        number = re.sub(r"^00", "+", number)
        for validate in Phone._meta.get_field("number").validators:
            validate(number)
        return number


class CodeForm(forms.Form):
    """The six digits that were sent."""

    code = forms.RegexField(
        r"^\d{6}\Z",
        label="The code we sent",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={
            "required": "Please type the six digits.",
            "invalid": "Please type the six digits.",
        },
    )


def _zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones by part of the world, under the names of their towns."""
    found: dict[str, dict[str, str]] = {place: {} for place in _PLACES}
    # Of two names for one town, which mean the same, the shorter one stays.
    for name in sorted(zoneinfo.available_timezones(), key=lambda name: (-len(name), name)):
        place, _, town = name.partition("/")
        if place in found:
            found[place][_town(town)] = name
    return [
        (place, [(towns[town], town) for town in sorted(towns)]) for place, towns in found.items()
    ]


def _town(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")
