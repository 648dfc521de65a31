"""Declaring on a model what is published, and what readers may learn of it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from realtime.triggers import Publish, published


class Sheet(models.Model):  # noqa: DJ008 - nobody prints one
    """A model to compile declarations for; it never has a table."""

    patient = models.ForeignKey("Sheet", models.CASCADE)
    code = models.CharField(max_length=20)
    is_private = models.BooleanField(default=False)

    class Meta:
        app_label = "sheets"


def test_a_declaration_compiles_to_one_call():
    trigger = Publish(topics=["patient:{patient_id}"], columns=["id", "patient"], organization=None)

    installed = trigger.compile(Sheet)
    assert "'{patient:" not in installed.install_sql
    assert "ARRAY['patient:{patient_id}']::text[], ARRAY['id', 'patient_id']" in (
        installed.install_sql
    )
    assert "NULL, true)" in installed.install_sql
    assert "realtime_uninstall" in installed.uninstall_sql


def test_a_compiled_declaration_survives_a_migration_file():
    installed = Publish(topics=["a:{id}"], columns=["id"], organization=None).compile(Sheet)
    path, _, arguments = installed.sql.deconstruct()

    assert path == "realtime.triggers.TriggerSql"
    assert str(type(installed.sql)(**arguments)) == str(installed.sql)


@pytest.mark.parametrize(
    "declaration",
    [
        {"topics": ["patient:{patience}"], "columns": ["id"]},
        {"topics": ["patient:{id} unless {is_secret}"], "columns": ["id"]},
        {"topics": ["patient:{id}"], "columns": ["body"]},
        {"topics": ["patient:{id}"], "columns": ["id"], "organization": "organization_id"},
    ],
)
def test_a_declaration_on_a_column_that_is_not_there_is_refused(declaration):
    with pytest.raises(ImproperlyConfigured, match="not one of its columns"):
        Publish(**{"organization": None} | declaration).compile(Sheet)


def test_a_condition_stays_in_what_is_compiled():
    topics = ["patient:{patient} unless {is_private}", "care:{patient} if {is_private}"]
    installed = Publish(topics=topics, columns=["id"], organization=None).compile(Sheet)
    assert (
        "ARRAY['patient:{patient_id} unless {is_private}', 'care:{patient_id} if {is_private}']"
        in installed.install_sql
    )


@pytest.mark.parametrize(
    "topic", ["patient:{id} unless", "patient:{id} when {is_private}", "patient:{id} {is_private}"]
)
def test_a_topic_of_another_form_is_refused(topic):
    with pytest.raises(ValueError, match="nor one with a condition"):
        Publish(topics=[topic], columns=["id"])


def test_a_condition_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(ImproperlyConfigured, match="neither yes nor no"):
        Publish(topics=["a:{id} if {code}"], columns=["id"], organization=None).compile(Sheet)


def test_published_tables_name_their_columns_as_postgresql_does(owner):
    tables = published()

    assert tables
    for name, table in tables.items():
        types = {
            row["attname"]: row["typname"]
            for row in owner.execute(
                "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
                " WHERE attrelid = %s::regclass AND attnum > 0",
                [name],
            )
        }
        assert table.columns == {column: types[column] for column in table.columns}, name
