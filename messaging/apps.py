"""The messaging app: conversations about a patient."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
