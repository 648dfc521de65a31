"""Triggers that tell the engine, in the change's own transaction, that a right changed."""

from typing import Any

import pgtrigger
from django.db import models


class EndsAccess(pgtrigger.Trigger):
    """Order the engine to recompute the grants of some users when a row about their rights changes.

    `organization` and `users` are SQL expressions over the changed row, with `{row}` standing for
    NEW or OLD; `users` gives an array of user ids. On UPDATE both sides are told, so that a row
    that moves from one person to another ends the first one's right. `columns` limits which
    updates count; `kind` is the engine's word for what happened (`grants`, `session_ended`,
    `user_ended`).
    """

    when = pgtrigger.After
    level = pgtrigger.Row

    def __init__(
        self,
        *,
        name: str,
        organization: str,
        users: str,
        columns: list[str] | None = None,
        kind: str = "grants",
        detail: str = "'{}'::jsonb",
        operation: Any = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
    ) -> None:
        self.organization, self.users, self.columns = organization, users, columns
        self.kind, self.detail = kind, detail
        super().__init__(name=name, operation=operation)

    def get_func(self, model: models.Model) -> str:
        """The body of the trigger function."""
        changed = (
            " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in self.columns)
            if self.columns
            else "true"
        )
        # Unlike a published change, this may fail the write that caused it: a right that ends
        # without the engine's knowledge would be a leak, and a refused write is not.
        return f"""
            IF TG_OP = 'INSERT' THEN
                {self._order("NEW")}
            ELSIF TG_OP = 'DELETE' THEN
                {self._order("OLD")}
            ELSIF {changed} THEN
                {self._order("OLD")}
                {self._order("NEW")}
            END IF;
            RETURN NULL;
        """

    def _order(self, row: str) -> str:
        organization = self.organization.replace("{row}", row)
        users = self.users.replace("{row}", row)
        detail = self.detail.replace("{row}", row)
        return (
            f"PERFORM realtime_control(organization, {users}, '{self.kind}', {detail}) "
            f"FROM (SELECT {organization} AS organization) AS told "
            "WHERE organization IS NOT NULL;"
        )
