"""Values written into SQL that is stored, in migrations, where there is nothing to bind them to."""

from collections.abc import Iterable


def literal(value: str | None) -> str:
    """A text constant, or NULL. Backslashes are plain (standard_conforming_strings)."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def array(values: Iterable[str]) -> str:
    """A constant of type text[]."""
    return f"ARRAY[{', '.join(literal(value) for value in values)}]::text[]"


def boolean(value: bool) -> str:
    return "true" if value else "false"


def identifier(name: str) -> str:
    """A name of a role, table or column, quoted."""
    return '"' + name.replace('"', '""') + '"'
