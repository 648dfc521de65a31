"""Findings that must be acknowledged in time."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The app."""

    name = "alerts"
    default_auto_field = "django.db.models.UUIDField"
