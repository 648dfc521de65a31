"""Row-level security, declared on the model beside its other constraints.

The second of the two walls (design section 6): the application asks only for what the reader may
see (`portal.access`), and PostgreSQL shows nothing else even when a view forgets to ask. Each
table names who may read a row and who may write it; both are SQL conditions over functions of
`portal/sql`, wrapped in `(SELECT ...)` so that they are evaluated once per statement.
"""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table

SYSTEM = "(SELECT portal_is_system())"
TENANT = "organization_id = (SELECT portal_organization())"
STAFF = "(SELECT portal_is_staff())"
ADMIN = "(SELECT portal_is_admin())"
MEMBER = "(SELECT portal_is_member())"
OWN = "user_id = (SELECT portal_user())"
# Everything that is about a patient carries `patient_id`, so that one condition serves them all.
OF_VISIBLE_PATIENT = f"({SYSTEM} OR patient_id IN (SELECT portal_visible_patients()))"
OF_WRITABLE_PATIENT = f"({SYSTEM} OR patient_id IN (SELECT portal_writable_patients()))"
OF_CARE_TEAM_PATIENT = f"({SYSTEM} OR patient_id IN (SELECT portal_care_team_patients()))"


class Policy(models.BaseConstraint):
    """Who may read and who may write the rows of a table.

    `read` and `write` are SQL conditions; the tenant's own condition is added unless
    `tenant=False`. `insert` and `delete` default to `write`. `privileges` is what the application
    role is granted at all: a table nobody may delete from does not grant DELETE.
    """

    def __init__(
        self,
        *,
        name: str,
        read: str,
        write: str = "false",
        insert: str | None = None,
        delete: str | None = None,
        tenant: bool = True,
        privileges: tuple[str, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE"),
    ) -> None:
        super().__init__(name=name)
        self.read, self.write, self.insert, self.delete = read, write, insert, delete
        self.tenant, self.privileges = tenant, tuple(privileges)

    def conditions(self) -> dict[str, str]:
        """The condition for each command, as SQL."""
        conditions = {
            "SELECT": self.read,
            "INSERT": self.write if self.insert is None else self.insert,
            "UPDATE": self.write,
            "DELETE": self.write if self.delete is None else self.delete,
        }
        if self.tenant:
            return {command: f"{TENANT} AND ({sql})" for command, sql in conditions.items()}
        return conditions

    def constraint_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        # A policy cannot be written inside CREATE TABLE, where Django folds a new model's
        # constraints: without this line the table is made without any policy and no error.
        if schema_editor is not None:
            schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(  # type: ignore[override]  # Django's own return statements too
        self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement | None:
        conditions = self.conditions()
        app, owner = settings.APP_ROLE, settings.OWNER_ROLE
        name = self.name
        # Names and conditions of our own declarations; nothing here comes from a person.
        template = f"""
            ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY;
            ALTER TABLE %(table)s FORCE ROW LEVEL SECURITY;
            CREATE POLICY {name}_owner ON %(table)s TO {owner} USING (true) WITH CHECK (true);
            CREATE POLICY {name}_read ON %(table)s FOR SELECT TO {app}
                USING ({conditions["SELECT"]});
            CREATE POLICY {name}_insert ON %(table)s FOR INSERT TO {app}
                WITH CHECK ({conditions["INSERT"]});
            CREATE POLICY {name}_update ON %(table)s FOR UPDATE TO {app}
                USING ({conditions["UPDATE"]}) WITH CHECK ({conditions["UPDATE"]});
            CREATE POLICY {name}_delete ON %(table)s FOR DELETE TO {app}
                USING ({conditions["DELETE"]});
            REVOKE ALL ON %(table)s FROM {app};
            GRANT {", ".join(self.privileges)} ON %(table)s TO {app}
        """  # noqa: S608
        return self._statement(template, model, schema_editor)

    def remove_sql(  # type: ignore[override]  # as above
        self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement | None:
        name = self.name
        # Names and conditions of our own declarations; nothing here comes from a person.
        template = f"""
            DROP POLICY {name}_owner ON %(table)s;
            DROP POLICY {name}_read ON %(table)s;
            DROP POLICY {name}_insert ON %(table)s;
            DROP POLICY {name}_update ON %(table)s;
            DROP POLICY {name}_delete ON %(table)s
        """
        return self._statement(template, model, schema_editor)

    @staticmethod
    def _statement(
        template: str, model: Any, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement | None:
        if schema_editor is None:
            return None
        table = Table(model._meta.db_table, schema_editor.quote_name)
        return Statement(template, table=table)

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to check in Python: the database refuses."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {
            "read": self.read,
            "write": self.write,
            "insert": self.insert,
            "delete": self.delete,
            "tenant": self.tenant,
            "privileges": self.privileges,
        }
        return path, tuple(args), kwargs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((self.name, self.read, self.write))


def stays(*fields: str) -> pgtrigger.ReadOnly:
    """A trigger: what a row belongs to and is about never changes.

    A policy looks at a row before and after an update, but not from one to the other: without this,
    somebody who may write for two patients could hand the record of one to the other.
    """
    return pgtrigger.ReadOnly(name="stays", fields=list(fields))


def never_emptied() -> pgtrigger.Trigger:
    """A trigger: TRUNCATE is refused, which row triggers and policies know nothing of."""
    return pgtrigger.Trigger(
        name="never_emptied",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'Cannot empty the % table', TG_TABLE_NAME;",
    )
