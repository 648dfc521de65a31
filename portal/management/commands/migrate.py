"""Django's `migrate`, run as the owner: the application role may change no table."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.core.management.commands.migrate import Command as DjangoMigrate

from portal.management.lean_executor import LeanExecutor


class Command(DjangoMigrate):
    """Migrate through DATABASE_OWNER_URL unless another database is named."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] == "owner" and "owner" not in settings.DATABASES:
            raise CommandError("Migrations run as the owner: set DATABASE_OWNER_URL.")
        # The command finds its executor by this name, and has no other way to be given one.
        migrate.__dict__["MigrationExecutor"] = LeanExecutor
        super().handle(*args, **options)
