"""Members and users: who belongs here, as what, and who may sign in."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from portal.access import Reader, narrow, of_organization
from portal.actions.errors import Refused
from portal.actions.memberships import (
    add_member,
    allow_sign_in,
    change_role,
    end_membership,
    refuse_change,
    sign_out_member,
)
from portal.addresses import site_of
from portal.admin.base import OrganizationForm, PortalAdmin, ReadOnlyAdmin
from portal.doors import reader_of
from portal.models import Membership, Role, User


class AddMemberForm(OrganizationForm):
    """A new member: their address, and the name they are known by if they have no account yet."""

    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget())
    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget())
    role = forms.ChoiceField(
        # A patient comes by invitation, which ties the account to the record.
        choices=[choice for choice in Role.choices if choice[0] != Role.PATIENT],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Membership
        fields: list[str] = []

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        members = of_organization(Membership.objects.active(), self.reader)
        if members.filter(user__email=email).exists():
            raise forms.ValidationError("Somebody with this address is a member already.")
        return email


class MembershipForm(OrganizationForm):
    """Another role, or the end; always with a reason, which goes on record."""

    end_now = forms.BooleanField(
        label="End this membership",
        required=False,
        help_text="Ends their sessions, care teams and mandates here at once.",
        widget=UnfoldBooleanSwitchWidget(),
    )
    reason = forms.CharField(
        max_length=200,
        min_length=5,
        help_text="For the audit log. No names of patients.",
        widget=UnfoldAdminTextInputWidget(),
    )

    class Meta:
        model = Membership
        fields = ["role"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stays_admin = cleaned.get("role") == Role.ADMIN and not cleaned.get("end_now")
        try:
            refuse_change(self.instance.pk, by=self.reader, stays_admin=stays_admin)
        except Refused as refused:
            raise forms.ValidationError(refused.words) from None
        return cleaned


@admin.register(Membership)
class MembershipAdmin(PortalAdmin):
    """Places in the organization. They begin here or by invitation, and end; none is deleted."""

    list_display = ["user", "email", "role", "created_at", "ended_at"]
    list_filter = ["role", ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["user__name", "user__email"]
    ordering = ["user__name"]
    form = MembershipForm

    @admin.display(description="E-mail")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = AddMemberForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return ["email", "name", "role"]
        if not self.has_change_permission(request, obj):
            return ["user", "role", "created_at", "ended_at"]
        return ["user", "role", "created_at", "end_now", "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["user", "created_at", "ended_at"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # One that has ended is history; who comes back is added again.
        is_over = isinstance(obj, Membership) and obj.ended_at is not None
        return not is_over and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        reader = reader_of(request)
        given = form.cleaned_data
        if not change:
            made = add_member(
                given["email"],
                given["name"],
                Role(given["role"]),
                by=reader,
                site=site_of(request),
            )
            obj.pk, obj.user = made.pk, made.user
        elif given["end_now"]:
            end_membership(obj.pk, reason=given["reason"], by=reader)
        elif "role" in form.changed_data:
            change_role(obj.pk, Role(given["role"]), reason=given["reason"], by=reader)

    def record(self, request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
        """The actions record what they do, with the reason."""


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People with an account. Their password, address and name are theirs alone."""

    list_display = ["name", "email", "is_active", "last_login"]
    list_filter = ["is_active"]
    search_fields = ["name", "email"]
    fields = ["name", "email", "is_active", "last_login", "date_joined"]
    actions = ["sign_out", "stop_sign_in", "allow_sign_in"]

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        members = of_organization(Membership.objects.filter(ended_at=None), reader)
        return narrow(rows, pk__in=members.values("user_id"))

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, users: QuerySet[User]) -> None:
        ended = sum(sign_out_member(user.pk, by=reader_of(request)) for user in users)
        self.message_user(request, f"{ended} sessions ended.", messages.SUCCESS)

    @admin.action(description="Stop from signing in")
    def stop_sign_in(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._allow(request, users, allowed=False)

    @admin.action(description="Let sign in again")
    def allow_sign_in(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._allow(request, users, allowed=True)

    def _allow(self, request: HttpRequest, users: QuerySet[User], *, allowed: bool) -> None:
        done: list[UUID] = []
        for user in users:
            try:
                allow_sign_in(user.pk, allowed=allowed, by=reader_of(request))
            except Refused as refused:
                self.message_user(request, f"{user.name}: {refused.words}", messages.ERROR)
            else:
                done.append(user.pk)
        if done:
            words = "may sign in again" if allowed else "can no longer sign in"
            self.message_user(request, f"{len(done)} people {words}.", messages.SUCCESS)
