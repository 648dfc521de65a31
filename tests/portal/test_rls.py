"""Row-level security by raw SQL, as each role and as each person."""

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from portal.global_tables import GLOBAL_TABLES
from portal.tenancy import acting_for

# The engine's tables have policies of their own (tests/realtime): it serves all organizations.
ENGINE_TABLES_PREFIX = "realtime_"


def rows(sql: str, *parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def tables() -> dict[str, dict[str, bool]]:
    return {
        name: {"forced": forced, "enabled": enabled, "tenant": tenant}
        for name, enabled, forced, tenant in rows("""
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND a.attnotnull)
            FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition
        """)
    }


def test_no_role_of_ours_can_step_over_the_policies(db):
    powers = rows(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)",
        [settings.APP_ROLE, settings.OWNER_ROLE, settings.ENGINE_ROLE],
    )
    assert powers == []
    assert rows("SELECT current_user")[0][0] == settings.APP_ROLE


def test_every_table_forces_its_policy_or_says_why_it_belongs_to_nobody(db):
    for name, table in tables().items():
        if name.startswith(ENGINE_TABLES_PREFIX) or name in GLOBAL_TABLES:
            continue
        assert table["enabled"], f"{name} has no row-level security"
        assert table["forced"], f"{name} does not bind its owner"


def test_every_tenant_table_requires_its_organization(db):
    without = {"organizations", "users"}  # the tenant itself, and people of several tenants
    for name, table in tables().items():
        if name.startswith(ENGINE_TABLES_PREFIX) or name in GLOBAL_TABLES or name in without:
            continue
        assert table["tenant"], f"{name}.organization_id may be NULL or is missing"


def test_every_policy_covers_all_four_commands(db):
    commands = {}
    for table, command in rows(
        "SELECT tablename, cmd FROM pg_policies WHERE %s = ANY(roles)", settings.APP_ROLE
    ):
        commands.setdefault(table, set()).add(command)
    for table, found in commands.items():
        if not table.startswith(ENGINE_TABLES_PREFIX):
            assert found == {"SELECT", "INSERT", "UPDATE", "DELETE"}, table


def test_every_entry_of_the_list_of_global_tables_exists(db):
    assert set(GLOBAL_TABLES) <= set(tables())


def test_without_a_context_there_are_no_rows(cast):
    for name in tables():
        if name in GLOBAL_TABLES or name in {"organizations"} | {
            n for n in tables() if n.startswith(ENGINE_TABLES_PREFIX)
        }:
            continue
        assert rows(f"SELECT count(*) FROM {name}") == [(0,)], name


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("ana", {"Ana Ruiz"}),
        ("sam", {"Ana Ruiz"}),
        ("ada", {"Ana Ruiz"}),
        ("noor", {"Ana Ruiz"}),
        ("boris", {"Ben Cho"}),
        ("admin", {"Ana Ruiz", "Ben Cho"}),
        ("olga", {"Carla Weiss"}),
        ("carla", {"Carla Weiss"}),
    ],
)
def test_each_person_sees_their_patients_and_no_others(cast, acting, who, sees):
    with acting(getattr(cast, who)):
        assert {name for (name,) in rows("SELECT name FROM patients")} == sees


def test_a_foreign_context_shows_nothing_of_mine(cast):
    with acting_for(cast.other_clinic.pk, cast.ada.user.pk):
        assert rows("SELECT count(*) FROM patients") == [(0,)]
        assert rows("SELECT count(*) FROM care_team_memberships") == [(0,)]


def test_the_context_ends_with_its_block_and_nests(cast, acting):
    with acting(cast.ada):
        with acting(cast.boris):
            assert rows("SELECT name FROM patients") == [("Ben Cho",)]
        assert rows("SELECT name FROM patients") == [("Ana Ruiz",)]
    assert rows("SELECT count(*) FROM patients") == [(0,)]


def test_a_clinician_cannot_put_themselves_on_a_team(cast, acting):
    with acting(cast.boris), pytest.raises(ProgrammingError, match="row-level security"):
        with transaction.atomic():
            rows(
                "INSERT INTO care_team_memberships (id, organization_id, patient_id, provider_id,"
                " role, access, starts_at) VALUES (gen_random_uuid(), %s, %s, %s, '', 'write',"
                " now()) RETURNING id",
                cast.clinic.pk,
                cast.ana.patient.pk,
                cast.boris.provider.pk,
            )


def test_an_administrator_cannot_write_another_persons_password(cast, acting):
    with acting(cast.admin), connection.cursor() as cursor:
        cursor.execute("UPDATE users SET password = 'x' WHERE id = %s", [cast.ada.user.pk])
        assert cursor.rowcount == 0


def test_a_role_ends_with_its_membership(cast, acting, system):
    with system(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE memberships SET ended_at = now() WHERE user_id = %s", [cast.ada.user.pk]
        )
    with acting(cast.ada):
        assert rows("SELECT count(*) FROM patients") == [(0,)]
        assert rows("SELECT realtime_granted_topics()") == [([],)]


def test_the_audit_log_is_only_ever_added_to(cast, acting):
    with acting(cast.admin):
        for command in ("UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(command)


def test_not_even_the_owner_changes_an_audit_entry(committed, cast, database_urls, acting):
    from portal import audit

    with acting(cast.ada):
        audit.record("test", organization_id=cast.clinic.pk, actor_id=cast.ada.user.pk)
    with psycopg.connect(database_urls.owner) as owner, pytest.raises(psycopg.Error, match="audit"):
        owner.execute("UPDATE audit_logs SET action = 'x'")


def test_the_engine_reads_nothing_clinical(database_urls, committed):
    with psycopg.connect(database_urls.engine, autocommit=True) as engine:
        for name in ("patients", "users", "care_team_memberships", "audit_logs", "sessions"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                engine.execute(f"SELECT count(*) FROM {name}")


def test_what_answers_for_the_application_answers_nobody_else(db):
    open_to_others = rows(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND proname LIKE 'portal\\_%%' AND has_function_privilege(%s, oid, 'EXECUTE')",
        settings.ENGINE_ROLE,
    )
    # Asked by what runs beside the relay: it tells the engine whom to ask about, and not of what.
    assert open_to_others == [("portal_tell_turned_rights",)]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("patients", "organization_id"),
        ("care_team_memberships", "patient_id"),
        ("caregivers", "user_id"),
        ("memberships", "organization_id"),
    ],
)
def test_what_a_row_is_about_never_changes(cast, system, table, column):
    with system(), pytest.raises(ProgrammingError, match="Cannot update"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = gen_random_uuid()")


def test_nobody_but_an_administrator_writes_the_register(cast, acting):
    for person in (cast.ana, cast.sam, cast.ada):
        with acting(person), connection.cursor() as cursor:
            cursor.execute("UPDATE patients SET mrn = 'forged', deceased_at = now()")
            assert cursor.rowcount == 0
    with acting(cast.admin), connection.cursor() as cursor:
        cursor.execute("UPDATE patients SET phone = '555 0199'")
        assert cursor.rowcount == 2
