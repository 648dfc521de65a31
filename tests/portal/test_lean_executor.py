"""What `migrate` renders again: enough that its classes are those of Django's own, step by step."""

from collections.abc import Iterator

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from portal.management.lean_executor import LeanState


def test_after_each_migration_the_classes_are_those_of_now():
    loader = MigrationLoader(None)
    leaves = loader.graph.leaf_nodes()
    order = dict.fromkeys(key for leaf in leaves for key in loader.graph.forwards_plan(leaf))
    assert len(order) > 100
    state = LeanState.of(ProjectState(real_apps=loader.unmigrated_apps))
    assert state.apps
    for key in order:
        state = loader.graph.nodes[key].mutate_state(state, preserve=False)
        for model in state.apps.get_models(include_auto_created=True):
            for name, held in _held_by(model):
                now = state.apps.get_model(held._meta.label)
                assert held is now, f"after {key}: {model._meta.label}.{name}"
    at_once = ProjectState(state.models, state.real_apps)
    assert _drawn(state.apps) == _drawn(at_once.apps)


def _held_by(model) -> Iterator[tuple[str, type]]:
    """The other classes that a class leads to, and those that lead to it."""
    for field in model._meta.get_fields(include_hidden=True):
        if field.is_relation and field.related_model is not None:
            yield field.name, field.related_model


def _drawn(registry) -> dict[str, object]:
    """Each class: its columns, and what else a migration reads of it."""
    return {
        model._meta.label: (
            model._meta.db_table,
            [(each.name, each.db_type(connection), each.null) for each in model._meta.local_fields],
            sorted(f"{name} {held._meta.label}" for name, held in _held_by(model)),
            [each.name for each in model._meta.indexes],
            [each.name for each in model._meta.constraints],
            [each.name for each in getattr(model._meta, "triggers", ())],
        )
        for model in registry.get_models(include_auto_created=True)
    }
