"""What people type when they write."""

import uuid
from typing import Any, cast

from django import forms
from django.http import QueryDict

from messaging.models import Category

# No `maxlength` on the text: a browser would cut what was pasted without a word. The action
# measures it and says so.
TEXT = {"data-keep": "message", "autocomplete": "off"}
# Firefox puts back what a hidden field held before a reload: the key of a message that was sent.
HIDDEN = {"autocomplete": "off"}


class WritingForm(forms.Form):
    """A text and the key of its sending, which makes a second sending of the form harmless."""

    key = forms.UUIDField(widget=forms.HiddenInput(attrs=HIDDEN), initial=uuid.uuid4)
    body = forms.CharField(
        label="Your message",
        widget=forms.Textarea(attrs={**TEXT, "rows": 2}),
        error_messages={"required": "Please write your message first."},
        strip=False,
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if self.is_bound and "key" in self.errors:
            self.refuse("Something went wrong on the way. Please press Send again.", new_key=True)

    def refuse(self, sentence: str, *, new_key: bool = False) -> None:
        """Say why the text was not sent, beside it. A key that is used up is replaced."""
        if new_key:
            data = cast(QueryDict, self.data).copy()
            data["key"] = str(uuid.uuid4())
            self.data = data
        self.add_error("body", sentence)


class ReplyForm(WritingForm):
    """A message in a conversation. `seen` is the last message that its writer had before them."""

    seen = forms.UUIDField(widget=forms.HiddenInput(attrs=HIDDEN), required=False)


class NewConversationForm(WritingForm):
    """A first message: what it is about, a subject, the text."""

    category = forms.ChoiceField(
        label="What is it about?",
        choices=Category.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Please choose what it is about.",
            "invalid_choice": "Please choose what it is about.",
        },
    )
    subject = forms.CharField(
        label="In a few words",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"data-keep": "subject", "autocomplete": "off"}),
        error_messages={"max_length": "Please use fewer words here: 120 letters at most."},
    )

    field_order = ["category", "subject", "body", "key"]

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["body"].widget.attrs["rows"] = 6
