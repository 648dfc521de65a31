"""The doctor finds what was changed by hand: roles, policies, triggers, functions, indexes.

Each test breaks the thing itself, in the database, and sees it found; none replaces what looks.
"""

import os

import pytest
from django.db import connection

from portal.management.doctor.examination import Wishes, examine
from portal.management.doctor.finding import State
from portal.models import AuditEntry
from realtime.triggers import Publish

pytestmark = pytest.mark.usefixtures("committed_for_module")


def problems(area):
    """What the doctor says of an area, one text; each problem says how it is mended."""
    found = [f for f in examine(Wishes((area,))) if f.state is State.PROBLEM]
    assert all(finding.mend for finding in found)
    return "\n".join(finding.what for finding in found)


@pytest.mark.parametrize("area", ["roles", "policies", "triggers", "functions", "indexes"])
def test_a_fresh_database_has_nothing_to_mend(area):
    assert problems(area) == ""


# Roles ----------------------------------------------------------------------------------------


@pytest.fixture
def mighty(superuser, settings):
    """A role of this test stands in for the engine's; others of the server use the real one."""
    name = f"vigil_mighty_{os.getpid()}"
    superuser.execute(f"CREATE ROLE {name} BYPASSRLS CREATEDB")
    settings.ENGINE_ROLE = name
    yield name
    superuser.execute(f"DROP ROLE {name}")


def test_a_role_that_steps_over_policies_is_found(mighty):
    assert f"{mighty} has BYPASSRLS" in problems("roles")
    assert f"{mighty} has CREATEDB" in problems("roles")


def test_a_role_that_can_become_another_is_found(mighty, broken, settings):
    higher = settings.OWNER_ROLE
    with broken(f"GRANT {higher} TO {mighty}", mended=f"REVOKE {higher} FROM {mighty}"):
        assert f"{mighty} can become {higher}" in problems("roles")


def test_a_role_that_is_missing_is_found(settings):
    settings.ENGINE_ROLE = "vigil_nobody"
    assert "DATABASE_ENGINE_URL opens the database as vigil_engine" in problems("roles")


def test_a_session_that_nobody_would_end_is_found():
    assert problems("roles") == ""
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
    try:
        assert problems("roles").startswith("idle_in_transaction_session_timeout is not set for ")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        ("DELETE ON audit_logs TO {app}", "{app} may DELETE audit_logs"),
        ("SELECT ON realtime_inbox TO {app}", "{app} may SELECT realtime_inbox"),
        ("UPDATE (email) ON users TO {app}", "{app} may UPDATE (email, is_active,"),
        ("SELECT ON patients TO {engine}", "{engine} may SELECT patients"),
        ("SELECT ON patients TO PUBLIC", "{engine} may SELECT patients"),
        ("CREATE ON SCHEMA public TO {app}", "the application may create tables"),
    ],
)
def test_a_privilege_too_many_is_found(grant, said, broken, settings):
    names = {"app": settings.APP_ROLE, "engine": settings.ENGINE_ROLE}
    grant = grant.format(**names)
    with broken(f"GRANT {grant}", mended=f"REVOKE {grant.replace(' TO ', ' FROM ')}"):
        assert said.format(**names) in problems("roles")


def test_a_privilege_too_few_is_found(broken, settings):
    app = settings.APP_ROLE
    with broken(f"REVOKE SELECT ON patients FROM {app}", f"GRANT SELECT ON patients TO {app}"):
        assert problems("roles") == f"{app} may not SELECT patients"


def test_a_table_of_somebody_elses_is_found(broken):
    with broken("CREATE TABLE strays ()", mended="DROP TABLE strays"):
        assert "strays belongs to" in problems("roles")
        assert "strays does not force it" in problems("policies")


def test_a_powerful_function_that_can_be_misled_is_found(broken):
    made = "CREATE FUNCTION misled() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
    with broken(made, mended="DROP FUNCTION misled()"):
        assert problems("roles") == "misled has no search_path of its own"
        assert problems("functions") == "misled() is not the one of this version"


# Policies -------------------------------------------------------------------------------------


def test_a_table_that_no_longer_forces_its_policies_is_found(broken):
    loosened = "ALTER TABLE patients NO FORCE ROW LEVEL SECURITY"
    with broken(loosened, mended="ALTER TABLE patients FORCE ROW LEVEL SECURITY"):
        assert problems("policies") == "patients does not force it"


def test_a_policy_too_many_is_found(broken, settings):
    more = f"CREATE POLICY anybody ON patients FOR SELECT TO {settings.APP_ROLE} USING (true)"
    with broken(more, mended="DROP POLICY anybody ON patients"):
        assert problems("policies") == "patients has anybody, which nobody declared"


def test_a_policy_under_another_name_is_missed(broken):
    away = "ALTER POLICY patients_read ON patients RENAME TO kept_aside"
    back = "ALTER POLICY kept_aside ON patients RENAME TO patients_read"
    with broken(away, mended=back):
        assert "patients lacks patients_read" in problems("policies")
        assert "patients has kept_aside" in problems("policies")


def test_a_policy_that_says_something_else_is_found(broken, superuser):
    (said,) = (
        superuser.execute("SELECT qual FROM pg_policies WHERE policyname = 'patients_read'")
        .fetchone()
        .values()
    )
    with broken(
        "ALTER POLICY patients_read ON patients USING (true)",
        mended=f"ALTER POLICY patients_read ON patients USING ({said})",
    ):
        assert problems("policies") == "patients has another patients_read"
    assert problems("policies") == ""


def test_a_view_that_answers_as_its_owner_is_found(broken):
    made = "CREATE VIEW everybody AS SELECT * FROM patients"
    with broken(made, mended="DROP VIEW everybody"):
        assert problems("policies") == "the view everybody answers as its owner"


# Triggers -------------------------------------------------------------------------------------


def trigger_of(superuser, table, beginning):
    """The whole name of a trigger: the end of it is made of its model's name."""
    (named,) = superuser.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND starts_with(tgname, %s)",
        [table, beginning],
    ).fetchall()
    return named["tgname"]


@pytest.mark.parametrize(
    ("beginning", "broken_by", "mended_by"),
    [
        ("realtime_update_publish_", "DISABLE", "ENABLE ALWAYS"),
        # It would fire, but not for what a replica's role loads.
        ("realtime_delete_publish_", "ENABLE", "ENABLE ALWAYS"),
        ("pgtrigger_audit_is_append_only_", "DISABLE", "ENABLE"),
    ],
)
def test_a_trigger_that_is_off_is_found(beginning, broken_by, mended_by, broken, superuser):
    name = trigger_of(superuser, "audit_logs", beginning)
    with broken(
        f"ALTER TABLE audit_logs {broken_by} TRIGGER {name}",
        mended=f"ALTER TABLE audit_logs {mended_by} TRIGGER {name}",
    ):
        assert problems("triggers") == f"{name} of audit_logs is switched off"


def test_a_trigger_that_is_not_there_is_found(broken, superuser):
    name = trigger_of(superuser, "audit_logs", "realtime_truncate_publish_")
    away = f"ALTER TRIGGER {name} ON audit_logs RENAME TO put_away"
    back = f"ALTER TRIGGER put_away ON audit_logs RENAME TO {name}"
    with broken(away, mended=back):
        assert problems("triggers") == f"audit_logs lacks {name}"


def test_a_declaration_that_was_changed_without_a_migration_is_found(monkeypatch):
    publish = next(t for t in AuditEntry._meta.triggers if isinstance(t, Publish))
    monkeypatch.setattr(publish, "columns", ("id", "action", "at"))
    found = problems("triggers")
    assert "of audit_logs is of another version" in found


def test_a_table_that_publishes_more_than_its_model_allows_is_found(broken):
    where = "WHERE table_name = 'audit_logs'"
    more = 'jsonb_set(arguments, \'{columns}\', \'["id", "action", "detail"]\')'
    less = "jsonb_set(arguments, '{columns}', '[\"id\", \"action\"]')"
    with broken(
        f"UPDATE realtime_published SET arguments = {more} {where}",
        mended=f"UPDATE realtime_published SET arguments = {less} {where}",
    ):
        said = "audit_logs publishes by other words than its model: detail"
        assert problems("triggers") == said


def test_a_trigger_of_an_earlier_version_is_found(broken):
    made = (
        "CREATE TRIGGER pgtrigger_earlier_ab12 BEFORE UPDATE ON patients"
        " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    )
    with broken(made, mended="DROP TRIGGER pgtrigger_earlier_ab12 ON patients"):
        assert "patients has pgtrigger_earlier_ab12" in problems("triggers")


def test_a_change_that_nobody_was_told_of_is_found(broken):
    with broken(
        "SELECT nextval('realtime_missed')",
        mended="UPDATE realtime_relay SET missed_seen = (SELECT last_value FROM realtime_missed)",
    ):
        assert "1 changes could not be published" in problems("triggers")


# Functions and indexes ------------------------------------------------------------------------


def test_a_function_that_was_changed_by_hand_is_found(broken, superuser):
    whole = superuser.execute(
        "SELECT pg_get_functiondef('portal_is_staff()'::regprocedure) AS whole"
    ).fetchone()["whole"]
    with broken(
        "CREATE OR REPLACE FUNCTION portal_is_staff() RETURNS boolean LANGUAGE sql STABLE"
        " AS 'SELECT true'",
        mended=whole,
    ):
        assert problems("functions") == "portal_is_staff() is not the one of this version"


def test_a_function_that_is_missing_is_found(broken):
    away = "ALTER FUNCTION realtime_position() RENAME TO put_away"
    with broken(away, mended="ALTER FUNCTION put_away() RENAME TO realtime_position"):
        assert "realtime_position() is missing" in problems("functions")


def test_a_missing_index_is_found(broken, superuser):
    name = AuditEntry._meta.indexes[0].name
    made = superuser.execute("SELECT pg_get_indexdef(%s::regclass) AS made", [name]).fetchone()
    with broken(f"DROP INDEX {name}", mended=made["made"]):
        assert f"audit_logs lacks {name}" in problems("indexes")


def test_an_index_that_was_not_built_to_its_end_is_found(broken):
    name = AuditEntry._meta.indexes[0].name
    mark = "UPDATE pg_index SET indisvalid = {} WHERE indexrelid = '{}'::regclass"
    with broken(mark.format("false", name), mended=mark.format("true", name)):
        assert f"{name} was not built to its end" in problems("indexes")


def test_a_key_without_an_index_is_found(broken, superuser):
    made = superuser.execute(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made"
        " FROM pg_index WHERE indrelid = 'alert_records'::regclass"
        " AND indkey[0] = (SELECT attnum FROM pg_attribute"
        "   WHERE attrelid = indrelid AND attname = 'user_id')"
    ).fetchall()
    assert len(made) == 1
    with broken(f"DROP INDEX {made[0]['name']}", mended=made[0]["made"]):
        assert "alert_records.user_id has none" in problems("indexes")
