"""What people type when they write."""

import uuid
from typing import Any

from django import forms

from messaging.models import Category, Message

BODY_ERRORS = {"required": "Please write your message first."}


class ReplyForm(forms.Form):
    """A message in a conversation; `key` makes a second sending of the same form harmless."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    body = forms.CharField(
        label="Your message",
        # The action measures; here only so that the browser helps.
        widget=forms.Textarea(
            attrs={"rows": 3, "maxlength": Message.MAX_LENGTH, "data-keep": "message"}
        ),
        error_messages=BODY_ERRORS,
        strip=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].label_suffix = ""


class NewConversationForm(forms.Form):
    """A first message: what it is about, a subject, the text."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    category = forms.ChoiceField(
        label="What is it about?",
        choices=Category.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Please choose what it is about."},
    )
    subject = forms.CharField(
        label="In a few words",
        max_length=120,
        widget=forms.TextInput(attrs={"data-keep": "subject", "autocomplete": "off"}),
        error_messages={
            "required": "Please say in a few words what it is about.",
            "max_length": "Please use fewer words here: 120 letters at most.",
        },
    )
    body = forms.CharField(
        label="Your message",
        widget=forms.Textarea(
            attrs={"rows": 6, "maxlength": Message.MAX_LENGTH, "data-keep": "message"}
        ),
        error_messages=BODY_ERRORS,
        strip=False,
    )
