"""Choosing a password: once, with what it must be said before, and shown when asked for."""

from typing import Any, cast

from django import forms
from django.contrib.auth import authenticate, password_validation
from django.http import HttpRequest

from portal.models import User

HELP = "At least 10 characters. Three or four words are easy to remember."


def password_field(label: str, *, new: bool, help_text: str = "") -> forms.CharField:
    """A password that may be pasted, and that a password manager fills in (WCAG 3.3.8)."""
    return forms.CharField(
        label=label,
        # No short limit: a long sentence is a good password (ASVS 6.2.9).
        max_length=1000,
        strip=False,
        help_text=help_text,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password" if new else "current-password"},
            # What was typed stays in the field when another one is wrong.
            render_value=new,
        ),
        error_messages={"required": "Please type a password."},
    )


class NewPasswordForm(forms.Form):
    """A new password for `user`, who need not be saved yet."""

    password = password_field("New password", new=True, help_text=HELP)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password


class PasswordChangeForm(NewPasswordForm):
    """The old password, then the new one."""

    old_password = password_field("Password you have now", new=False)

    field_order = ["old_password", "password"]

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast(User, request.user), *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Prove the person at the keyboard; guessing is slowed down as it is at the door."""
        password: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.email, password=password) != self.user:
            raise forms.ValidationError("This is not the password you have now.")
        return password
