"""Indexes and constraints: those that the models declare are there, and usable."""

from collections.abc import Iterator

from django.db import connections

from portal.management.doctor.catalogue import our_models, rows
from portal.management.doctor.finding import Finding, judged
from portal.rls import Policy


def look() -> Iterator[Finding]:
    """By name where there is one, by first column for keys to other tables."""
    yield judged(
        "Every index can be used",
        [
            f"{name} was not built to its end"
            for (name,) in rows(
                "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                " WHERE relnamespace = 'public'::regnamespace"
                " AND NOT (indisvalid AND indisready)"
            )
        ],
        "REINDEX INDEX CONCURRENTLY …, as the owner",
    )
    present = {
        name
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('i', 'I')"
            " UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        )
    }
    declared = {
        item.name: model._meta.db_table
        for model in our_models()
        for item in [*model._meta.indexes, *model._meta.constraints]
        if not isinstance(item, Policy)
    }
    yield judged(
        f"{len(declared)} declared indexes and constraints are there",
        [f"{table} lacks {name}" for name, table in declared.items() if name not in present],
        "Run manage.py migrate; if it has nothing to do, create it as its migration does",
    )
    yield _led()
    yield judged(
        "No constraint waits to be validated",
        [
            f"{name} was never validated"
            for (name,) in rows(
                "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
                " AND NOT convalidated"
            )
        ],
        "ALTER TABLE … VALIDATE CONSTRAINT …, as the owner",
    )


def _led() -> Finding:
    """A column that is said to be indexed or unique begins some index."""
    first_columns = set(
        rows(
            "SELECT c.relname, a.attname FROM pg_index AS i"
            " JOIN pg_class AS c ON c.oid = i.indrelid"
            " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
            " WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid"
        )
    )
    column_name = connections["default"].introspection.identifier_converter
    wanted = {
        (model._meta.db_table, column_name(field.column))
        for model in our_models()
        for field in model._meta.local_concrete_fields
        if field.db_index or field.unique
    }
    return judged(
        f"{len(wanted)} columns that are looked up by have an index",
        [f"{table}.{column} has none" for table, column in wanted - first_columns],
        "Run manage.py migrate; if it has nothing to do, CREATE INDEX CONCURRENTLY, as the owner",
    )
