"""Triggers declared on models: what of a table is published, and to whom.

    class Message(models.Model):
        class Meta:
            triggers = [
                Publish(topics=["patient:{patient_id}"], columns=["id", "conversation_id"]),
            ]

`Publish` puts each change of the table into the inbox, in the same transaction, as identifiers and
allow-listed columns. It cannot make the change itself fail. The SQL lives in realtime/sql: a
migration only says which table is published and how (realtime_install_publish.v1.sql), so it never
holds a copy of a function.

A migration that adds one must depend on ("realtime", "0001_initial").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pgtrigger
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, models
from pgtrigger import compiler

from realtime.quoting import array, boolean, identifier, literal

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# "patient:{patient_id}", and perhaps upon which column it depends.
_TEMPLATE = re.compile(r"\S+(?: (?:if|unless) \{(?P<condition>[^{}]*)\})?")

# The prefix that tells our four triggers apart has to fit into PostgreSQL's 63 characters too.
_LONGEST_NAME = 36

# jsonb_build_object takes at most 100 arguments, a name and a value for each column.
_MOST_COLUMNS = 50


class TriggerSql(compiler.UpsertTriggerSql):
    """The call that installs one declaration; what a migration stores."""

    def __init__(self, *, pgid: str, table: str, install: str, hash: str | None = None) -> None:  # noqa: A002 - django-pgtrigger's name
        self.kwargs = {"pgid": pgid, "table": table, "install": install}
        self.defaults: dict[str, str] = {}
        self.pgid, self.table = pgid, table
        self.hash = hash or hashlib.sha1(install.encode(), usedforsecurity=False).hexdigest()
        # django-pgtrigger recognises an installed trigger by this comment.
        self.data = (
            f"{install};\nCOMMENT ON TRIGGER {pgid} ON {identifier(table)} IS '{self.hash}';"
        )


class InstalledTrigger(compiler.Trigger):
    """A compiled declaration, as migrations keep it."""

    @property
    def uninstall_sql(self) -> str:
        return f"SELECT realtime_uninstall({literal(self.sql.pgid)}, {literal(self.sql.table)});"


class Publish(pgtrigger.Trigger):
    """Tell the audience of a row that it was inserted, updated or deleted.

    `topics` are templates over the row's columns ("patient:{patient_id}"); one whose column is
    NULL is dropped, and a row left without a topic is not published. One that not every row has
    ends with its condition, a boolean column: "patient:{patient_id} unless {is_private}", or `if`.
    `columns` is the allow-list of what travels: identifiers and codes, never clinical text.
    `organization` names the column of the tenant, None for a table that has none. `actor=False`
    leaves out who did it.

    Per event the record is the allow-listed columns (old values too for UPDATE and DELETE); above
    2 KB it is only the primary key. An UPDATE that changed no column is not published. One that
    moves a row to other topics also tells the topics it left, as a DELETE with the key alone.
    TRUNCATE orders a resync.
    """

    level = pgtrigger.Statement
    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate

    def __init__(
        self,
        *,
        topics: Sequence[str],
        columns: Sequence[str],
        organization: str | None = "organization_id",
        actor: bool = True,
        name: str = "publish",
    ) -> None:
        if isinstance(topics, str) or isinstance(columns, str):
            raise TypeError("Publish takes lists of topics and of columns.")
        if not topics or not columns:
            raise ValueError("Publish needs at least one topic and one column.")
        if len(columns) > _MOST_COLUMNS:
            raise ValueError(f"Publish takes at most {_MOST_COLUMNS} columns.")
        for template in topics:
            if not _TEMPLATE.fullmatch(template):
                raise ValueError(f"{template!r} is no 'kind:{{column}}', nor one with a condition.")
        self.topics = tuple(topics)
        self.columns = tuple(columns)
        self.organization = organization
        self.actor = actor
        super().__init__(name=name)

    def validate_name(self) -> None:
        super().validate_name()
        if self.name and len(self.name) > _LONGEST_NAME:
            raise ValueError(f"Trigger name {self.name!r} > {_LONGEST_NAME} characters.")

    def compile(self, model: Any) -> InstalledTrigger:
        """The form that migrations keep: one call of realtime_install_publish."""
        pgid, table = self.get_pgid(model), model._meta.db_table
        self._check_conditions(model)
        topics = [
            _PLACEHOLDER.sub(lambda found: f"{{{_column(model, found.group(1))}}}", template)
            for template in self.topics
        ]
        columns = [_column(model, name) for name in self.columns]
        organization = _column(model, self.organization) if self.organization else None
        install = (
            "SELECT realtime_install_publish("
            f"{literal(pgid)}, {literal(table)}, {literal(_key(model))}, {array(topics)}, "
            f"{array(columns)}, {literal(organization)}, {boolean(self.actor)})"
        )
        return InstalledTrigger(
            name=self.name, sql=TriggerSql(pgid=pgid, table=table, install=install)
        )

    def _check_conditions(self, model: Any) -> None:
        # PostgreSQL would find out at the first write, and that one would not be told.
        for template in self.topics:
            found = _TEMPLATE.fullmatch(template)
            condition = found and found["condition"]
            if condition and not isinstance(_field(model, condition), models.BooleanField):
                raise ImproperlyConfigured(
                    f"{model._meta.label}.{condition} is neither yes nor no."
                )


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """What readers may learn of a table: its published columns with their PostgreSQL types."""

    table: str
    columns: dict[str, str]
    topics: tuple[str, ...]


@cache
def published() -> Mapping[str, PublishedTable]:
    """Every published table by name, from the triggers of the installed models.

    Worked out once: polls ask for each event they tell.

    Columns come in the order of the model's fields and name their type as `pg_type.typname`
    does (`int8`, `timestamptz`, `_text`).
    """
    tables: dict[str, PublishedTable] = {}
    for model in apps.get_models():
        for trigger in getattr(model._meta, "triggers", ()):
            if isinstance(trigger, Publish):
                allowed = {_column(model, name) for name in trigger.columns}
                table = model._meta.db_table
                earlier = tables.get(table)
                columns = {
                    field.column: type_name(field)
                    for field in model._meta.concrete_fields
                    if field.column in allowed or (earlier and field.column in earlier.columns)
                }
                topics = (earlier.topics if earlier else ()) + trigger.topics
                tables[table] = PublishedTable(table, columns, topics)
    return tables


_TYPE_NAMES = {
    "bigint": "int8",
    "integer": "int4",
    "smallint": "int2",
    "boolean": "bool",
    "double precision": "float8",
    "real": "float4",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "time": "time",
    "char": "bpchar",
    "character varying": "varchar",
}


def type_name(field: models.Field[Any, Any]) -> str:
    """The `pg_type.typname` of a field's column."""
    db_type = (field.db_type(connections[DEFAULT_DB_ALIAS]) or "text").lower()
    is_array = db_type.endswith("[]")
    bare = re.sub(r"\([^)]*\)", "", db_type.removesuffix("[]")).strip()
    name = _TYPE_NAMES.get(bare, bare)
    return f"_{name}" if is_array else name


def _key(model: type[models.Model]) -> str:
    column = getattr(model._meta.pk, "column", None)
    if column is None:
        raise ImproperlyConfigured(f"{model._meta.label} has no single column as primary key.")
    return str(column)


def _column(model: type[models.Model], name: str) -> str:
    """The column that `name` (a field, its attribute or its column) stands for."""
    return str(_field(model, name).column)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    for field in model._meta.concrete_fields:
        if name in (field.name, field.attname, field.column):
            return field
    raise ImproperlyConfigured(
        f"{model._meta.label} declares a trigger on {name!r}, which is not one of its columns."
    ) from FieldDoesNotExist(name)
