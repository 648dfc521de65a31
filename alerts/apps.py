"""Findings that must be acknowledged in time."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The app; its auditor runs wherever the relay leads."""

    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        from alerts.auditor import audit
        from realtime.companions import register

        register("auditor", audit)
