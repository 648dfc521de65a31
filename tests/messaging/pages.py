"""The pages of messages: their addresses, and what stands on them."""

from django.urls import reverse

HTMX = {"HX-Request": "true"}


def thread_url(conversation):
    return reverse("messaging:thread", args=[conversation.pk])


def messages_url(conversation):
    return reverse("messaging:messages", args=[conversation.pk])


def text_of(response) -> str:
    return response.content.decode()
