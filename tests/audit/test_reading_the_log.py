"""The audit log as an administrator reads it."""

import pytest
from django.utils import timezone

from portal import audit
from portal.models import AuditEntry

pytestmark = pytest.mark.usefixtures("db")


def test_it_says_to_the_second_when_and_in_words_what(client_for, admin, clinic, system):
    with system():
        audit.record(
            "realtime.subscribe",
            organization_id=clinic.pk,
            actor_id=admin.user.pk,
            tables=["visits", "plans"],
        )
        at = AuditEntry.objects.get(action="realtime.subscribe").at
    page = client_for(admin).get("/admin/portal/auditentry/").content.decode()
    assert f"{timezone.localtime(at, clinic.zone):%-d %b %Y, %H:%M:%S}" in page
    assert "tables: visits plans" in page
