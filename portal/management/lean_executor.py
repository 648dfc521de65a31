"""Django's executor of migrations, rendering a model again only when its columns may have changed.

Each operation of a migration has Django build the model it touched anew, with all that are related
to it, however far: in this schema, where nearly every table points to an organization, all classes
for each column, policy, trigger and index, and most of the time of a first `migrate`. Constraints,
indexes and triggers are no columns; they are set on the class that is there. And a new class is
news to those that point to it, not to the others that point where it points.
"""

from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

NO_COLUMNS = ("constraints", "indexes", "triggers")


class LeanExecutor(MigrationExecutor):
    """Migrates forwards with a `LeanState`."""

    def migrate(
        self,
        targets: Any,
        plan: Any = None,
        state: ProjectState | None = None,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """Migrate up to the given targets; return the state that was reached."""
        lean = None if state is None else LeanState.of(state)
        return super().migrate(targets, plan, lean, fake, fake_initial)


class LeanState(ProjectState):
    """What the models are after each operation."""

    def __init__(self, models: Any = None, real_apps: Any = None) -> None:
        super().__init__(models, real_apps)
        self._shapes: dict[tuple[str, str], Any] = {}

    @classmethod
    def of(cls, state: ProjectState) -> "LeanState":
        """Take over another state, which nobody may use afterwards."""
        lean = cls(state.models, state.real_apps)
        if state.is_delayed:
            lean.is_delayed = True
        if "apps" in state.__dict__:
            lean.apps = state.apps
        return lean

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        """Have the class follow its state: anew, or only what is no column."""
        key = app_label, model_name
        if "apps" in self.__dict__ and key in self.models:
            shape = _shape(self.models[key])
            if self._shapes.get(key) == shape:
                options = self.apps.get_model(*key)._meta
                for name in NO_COLUMNS:
                    setattr(options, name, self.models[key].options.get(name, []))
                return
            self._shapes[key] = shape
        super().reload_model(app_label, model_name, delay)

    def _find_reload_model(
        self, app_label: str, model_name: str, delay: bool = False
    ) -> set[tuple[str, str]]:
        """The model, and every model that leads to it, however far; not those that it leads to."""
        # By this word Django builds all classes anew for a migration that runs Python with them.
        self.is_delayed = True
        leads_to = {key: _leads_to(key, model) for key, model in self.models.items()}
        found = {(app_label, model_name)}
        while more := {key for key in leads_to.keys() - found if leads_to[key] & found}:
            found |= more
        return found


def _leads_to(key: tuple[str, str], model: ModelState) -> set[tuple[str, str]]:
    """The models whose classes a class holds: those of its keys."""
    remote = (field.remote_field for field in model.fields.values())
    return {resolve_relation(each.model, *key) for each in remote if each}


def _shape(model: ModelState) -> Any:
    """All that a class is made of but constraints, indexes and triggers."""
    options = {name: value for name, value in model.options.items() if name not in NO_COLUMNS}
    fields = [(name, id(field)) for name, field in model.fields.items()]
    return model.name, model.bases, fields, options, [name for name, _ in model.managers]
