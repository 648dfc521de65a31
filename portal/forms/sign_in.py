"""Signing in, and asking for a new password."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest

from portal.models import User

# One sentence for a wrong address and a wrong password: which of them it was is nobody's business.
REFUSED = "The e-mail address or the password is not right. Please try again."


def email_field(**attributes: str) -> forms.EmailField:
    """An e-mail address that a password manager finds and that no telephone corrects."""
    widget = forms.EmailInput(
        attrs={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            **attributes,
        }
    )
    return forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=widget,
        error_messages={
            "required": "Please type your e-mail address.",
            "invalid": "Please type the whole address, like ana@example.org.",
        },
    )


class SignInForm(forms.Form):
    """Address and password. `user` is who signed in, once the form is valid."""

    # The field's name is the one that axes looks for.
    username = email_field(autofocus="")
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please type your password."},
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Refuse who is not who they say, in the same words and the same time for everybody."""
        cleaned = super().clean() or self.cleaned_data
        if "username" in cleaned and "password" in cleaned:
            user = authenticate(
                self.request,
                username=cleaned["username"].lower(),
                password=cleaned["password"],
            )
            if not isinstance(user, User):
                raise forms.ValidationError(REFUSED)
            self.user = user
        return cleaned


class PasswordResetForm(forms.Form):
    """The address that a link to choose a new password goes to."""

    email = email_field(autofocus="")
