"""What a person sets about their account."""

from django import forms

from portal.models import User


class ThemeForm(forms.Form):
    """Light, dark, or as the device has it."""

    theme = forms.ChoiceField(
        label="Colours",
        choices=User._meta.get_field("theme").choices or [],
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Please choose one of the three."},
    )
