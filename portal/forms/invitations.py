"""Inviting a patient, and answering an invitation."""

import calendar
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone

from portal.forms.passwords import HELP, NewPasswordForm, password_field
from portal.models import User

MONTHS = dict(enumerate(calendar.month_name[1:], start=1))


class InviteForm(forms.Form):
    """The address that a patient's invitation goes to."""

    email = forms.EmailField(
        label="Patient's e-mail address",
        max_length=254,
        help_text="Read it back to the patient: whoever reads this mailbox gets the link.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Type the address that the invitation goes to.",
            "invalid": "Type the whole address, like ana@example.org.",
        },
    )


class BirthDateWidget(forms.MultiWidget):
    """Day, month by name, year: nobody scrolls a calendar back to 1964, or reads 3/2 wrongly."""

    template_name = "portal/widgets/birth_date.html"
    use_fieldset = True

    def __init__(self) -> None:
        number = {"inputmode": "numeric", "maxlength": "4"}
        super().__init__(
            {
                "day": forms.TextInput(attrs={**number, "autocomplete": "bday-day", "size": "2"}),
                "month": forms.Select(
                    attrs={"autocomplete": "bday-month"},
                    choices=[("", "Month"), *MONTHS.items()],
                ),
                "year": forms.TextInput(attrs={**number, "autocomplete": "bday-year", "size": "4"}),
            }
        )

    def decompress(self, value: date | None) -> list[int | None]:
        return [value.day, value.month, value.year] if value else [None, None, None]


class BirthDateField(forms.MultiValueField):
    """A birth date, typed by a person who knows it."""

    def __init__(self, **kwargs: Any) -> None:
        wrong = {"invalid": "Please use numbers for day and year."}
        fields = (
            forms.IntegerField(error_messages=wrong),
            forms.TypedChoiceField(choices=list(MONTHS.items()), coerce=int),
            forms.IntegerField(error_messages=wrong),
        )
        super().__init__(
            fields,
            label="Your date of birth",
            widget=BirthDateWidget(),
            error_messages={"required": "Please fill in your date of birth."},
            **kwargs,
        )

    def compress(self, values: list[int]) -> date | None:
        if not values:
            return None
        day, month, year = values
        try:
            born = date(year, month, day)
        except (ValueError, OverflowError):
            raise forms.ValidationError("There is no such date. Please look again.") from None
        if not date(1900, 1, 1) <= born <= timezone.now().date():
            raise forms.ValidationError("Please look at the year again.")
        return born


class AcceptForm(NewPasswordForm):
    """Birth date and a password for a new account."""

    birth_on = BirthDateField()
    password = password_field("Choose a password", new=True, help_text=HELP)

    field_order = ["birth_on", "password"]


class JoinForm(forms.Form):
    """Birth date and the password of the account that the address already has."""

    birth_on = BirthDateField()
    password = password_field(
        "Your password", new=False, help_text="You have an account with this e-mail address."
    )

    def __init__(self, request: HttpRequest, email: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.email = email
        self.user: User | None = None

    def prove_password(self) -> bool:
        """Whether the password is the account's; asked only when the birth date was right."""
        user = authenticate(
            self.request, username=self.email, password=self.cleaned_data["password"]
        )
        self.user = user if isinstance(user, User) else None
        if self.user is None:
            self.add_error("password", "This is not the password of your account.")
        return self.user is not None
