"""Taking the steps whose time has come: by their own job, or by the sweep when that was lost."""

from uuid import UUID

from django.utils import timezone

from alerts import lifecycle
from alerts.models import Alert, AlertStep
from alerts.progress import plan_for, state_of, write
from portal import tenancy


def take(organization_id: UUID | str, step_id: UUID | str) -> bool:
    """Take one step if it is the next one and due; return whether it was taken now.

    Harmless when called again, too early, or for a step that something else has overtaken: the
    alert's row is locked before anything is looked at.
    """
    with tenancy.acting_for(organization_id, system=True):
        step = AlertStep.objects.filter(pk=step_id).values("alert_id").first()
        if step is None:
            return False
        alert = Alert.objects.select_for_update(of=["self"]).get(pk=step["alert_id"])
        if not AlertStep.objects.filter(pk=step_id, done_at=None, cancelled_at=None).exists():
            return False
        now = timezone.now()
        turn = lifecycle.due(state_of(alert), plan_for(alert.policy_version), now)
        if turn is None:
            return False
        write(alert, turn, now)
        return True


def take_due(organization_id: UUID | str) -> int:
    """Take every step of an organization that is due; return how many were taken."""
    with tenancy.acting_for(organization_id, system=True):
        waiting = list(
            AlertStep.objects.filter(done_at=None, cancelled_at=None, due_at__lte=timezone.now())
            .order_by("due_at")
            .values_list("pk", flat=True)
        )
    return sum(take(organization_id, step_id) for step_id in waiting)
