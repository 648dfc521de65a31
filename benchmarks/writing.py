"""INSERTs of many rows that differ in a column or two; the rest is as the model makes it.

Built from the model, so that a column that is added tomorrow does not break a measurement.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connections, models


class Insert:
    """`INSERT … SELECT … FROM unnest(…)`: what varies comes as arrays, in their order."""

    def __init__(self, row: models.Model, varying: Mapping[str, str]) -> None:
        """`row` gives the values that are the same in each; `varying` names columns and types."""
        database = connections["owner"]
        self._values = []
        columns, expressions = [], []
        for field in row._meta.concrete_fields:
            columns.append(f'"{field.column}"')
            if field.column in varying:
                expressions.append(f'row."{field.column}"')
            else:
                value = getattr(row, field.attname)
                self._values.append(field.get_db_prep_save(value, database))
                expressions.append("%s")
        names = ", ".join(f'"{name}"' for name in varying)
        arrays = ", ".join(f"%s::{of}[]" for of in varying.values())
        self._sql = (
            f'INSERT INTO "{row._meta.db_table}" ({", ".join(columns)})'  # noqa: S608
            f" SELECT {', '.join(expressions)} FROM unnest({arrays}) AS row ({names})"
        )

    def run(self, connection: psycopg.Connection[Any], *arrays: list[Any]) -> None:
        """Insert a row for each element of the arrays."""
        connection.execute(self._sql, [*self._values, *arrays], prepare=True)

    def as_text(self, connection: psycopg.Connection[Any], **expressions: str) -> str:
        """The INSERT of one row, with these SQL expressions for what varies: for pgbench."""
        before, _, _ = self._sql.partition(" FROM unnest(")
        text = psycopg.ClientCursor(connection).mogrify(before, self._values)
        for column, expression in expressions.items():
            text = text.replace(f'row."{column}"', expression)
        return text
