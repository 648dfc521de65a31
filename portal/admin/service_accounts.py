"""Service accounts: which programs may send or read, with which key, for how long."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from portal.actions.errors import Refused
from portal.actions.service_accounts import (
    create_service_account,
    renew_key,
    revoke_service_account,
)
from portal.admin.base import OrganizationForm, PortalAdmin
from portal.doors import reader_of
from portal.models import Scope, ServiceAccount

LIFETIME = timedelta(days=365)
# A key that nobody has looked at for two years is one that nobody remembers.
LONGEST_LIFETIME = timedelta(days=731)


class ServiceAccountForm(OrganizationForm):
    """What an account is called, may do, and until when."""

    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Give it no more than it needs. It can never list your patients.",
    )

    class Meta:
        model = ServiceAccount
        fields = ["name", "scopes", "expires_at", "requests_per_minute"]
        help_texts = {
            "expires_at": "Until when the key works, at most two years from now.",
            "requests_per_minute": "More are refused until the minute is over.",
        }

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        now = timezone.now()
        # Set to a moment that is over, a key ends: that is what “Revoke” is for, with a record.
        if not now < expires_at <= now + LONGEST_LIFETIME:
            raise forms.ValidationError("Choose a moment within the next two years.")
        return expires_at


@admin.register(ServiceAccount)
class ServiceAccountAdmin(PortalAdmin):
    """Programs with a key. The key is shown once, on the answer that made it, and kept nowhere."""

    form = ServiceAccountForm
    list_display = ["name", "may", "state", "expires_at", "last_used_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), "expires_at"]
    search_fields = ["name", "=key_prefix"]
    search_help_text = "A name, or the twelve letters after “vigil_” in a key"
    actions = ["renew", "revoke"]

    @admin.display(description="May")
    def may(self, account: ServiceAccount) -> str:
        return ", ".join(account.scopes)

    @admin.display(description="State")
    def state(self, account: ServiceAccount) -> str:
        return account.state

    @admin.display(description="Key begins with")
    def key_begins(self, account: ServiceAccount) -> str:
        return f"vigil_{account.key_prefix}_"

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        given = ["name", "scopes", "expires_at", "requests_per_minute"]
        if obj is None:
            return given
        if not self.has_change_permission(request, obj):
            given = ["name", "may", "expires_at", "requests_per_minute"]
        return [*given, "state", "key_begins", "created_by", "created_at", "last_used_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return []
        return ["may", "state", "key_begins", "created_by", "created_at", "last_used_at"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"expires_at": timezone.now() + LIFETIME, "scopes": [Scope.OBSERVATIONS_WRITE]}

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_over = isinstance(obj, ServiceAccount) and obj.revoked_at is not None
        return not is_over and super().has_change_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool
    ) -> None:
        if change:
            # Not the whole row: somebody may have revoked it while this form was open.
            obj.save(update_fields=form.changed_data)
            return
        made, obj.key = create_service_account(  # type: ignore[attr-defined]
            obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
            requests_per_minute=obj.requests_per_minute,
            by=reader_of(request),
        )
        obj.pk, obj.key_prefix = made.pk, made.key_prefix

    def record(self, request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
        """The actions record what they do; a change of the form is recorded as everywhere."""
        if verb != "added":
            super().record(request, verb, obj, message)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_key(request, obj, obj.key)

    @admin.action(description="Make another key (the one before ends now)")
    def renew(
        self, request: HttpRequest, accounts: QuerySet[ServiceAccount]
    ) -> HttpResponse | None:
        if accounts.count() != 1:
            self.message_user(request, "Choose one account: its key is shown once.", messages.ERROR)
            return None
        try:
            account, key = renew_key(accounts.get().pk, by=reader_of(request))
        except Refused as refused:
            self.message_user(request, refused.words, messages.ERROR)
            return None
        return self._show_key(request, account, key)

    @admin.action(description="Revoke now, for good")
    def revoke(self, request: HttpRequest, accounts: QuerySet[ServiceAccount]) -> None:
        ended = sum(revoke_service_account(each.pk, by=reader_of(request)) for each in accounts)
        self.message_user(request, f"{ended} revoked.", messages.SUCCESS)

    def _show_key(self, request: HttpRequest, account: ServiceAccount, key: str) -> HttpResponse:
        # In this answer and not in a message: messages travel in a cookie.
        context = {
            **self.admin_site.each_context(request),
            "title": "The key",
            "opts": self.opts,
            "account": account,
            "key": key,
        }
        return TemplateResponse(request, "admin/service_account_key.html", context)
