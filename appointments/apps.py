"""The appointments app: time set aside."""

from django.apps import AppConfig


class AppointmentsConfig(AppConfig):
    name = "appointments"
