"""The notifications app: telling a person that something happened."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
