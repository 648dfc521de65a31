"""The operations app: what is measured is kept, judged and shown to administrators."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The app; its guard runs wherever the relay leads."""

    name = "portal.operations"
    label = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from portal.operations.guard import keep_guard
        from realtime.companions import register

        register("guard", keep_guard)
