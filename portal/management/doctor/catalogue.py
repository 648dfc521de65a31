"""Asking the database about itself."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

ENGINE = "engine"


def rows(sql: str, parameters: Any = None, *, using: str = "default") -> list[tuple[Any, ...]]:
    """The answer to a question. Raises django.db.Error."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def row(sql: str, parameters: Any = None, *, using: str = "default") -> tuple[Any, ...]:
    """The first row of an answer that always has one."""
    return rows(sql, parameters, using=using)[0]


def tables() -> set[str]:
    """Every table of ours but the partitions of the log."""
    return {
        name
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    }


def our_models() -> list[Any]:
    """Every model class that has a table, with those that Django makes for it."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def roles() -> dict[str, str]:
    """The names of the three roles in this deployment, by what they are for."""
    return {
        "owner": settings.OWNER_ROLE,
        "application": settings.APP_ROLE,
        "engine": settings.ENGINE_ROLE,
    }
