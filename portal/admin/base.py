"""What every page of the administration has in common: the door, the tenant, the record."""

from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, TabularInline

from portal import access, audit
from portal.access import Reader
from portal.doors import reader_of


class OrganizationForm(forms.ModelForm):
    """Knows a row's organization before it is checked, so that its uniqueness is checked too."""

    reader: Reader

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(self.instance, "organization_id") and self.instance._state.adding:
            self.instance.organization_id = self.reader.organization_id

    def _get_validation_exclusions(self) -> set[str]:
        # Django's stubs leave this one out.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"organization"}


class _Tenant:
    """Rights and rows of the reader's organization, for pages and for the lists inside them."""

    form = OrganizationForm

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_admin(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_admin(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # What was once true stays on record: things end, they are not deleted.
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.narrowed(super().get_queryset(request), reader_of(request))  # type: ignore[misc]

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        """The rows that an administrator of this organization may see."""
        return access.of_organization(rows, reader)

    def formfield_for_foreignkey(self, field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer what belongs to the organization only."""
        model = field.remote_field.model
        reader = reader_of(request)
        if "queryset" not in kwargs:
            kwargs["queryset"] = self.offered(model, reader)
        return super().formfield_for_foreignkey(field, request, **kwargs)  # type: ignore[misc]

    def offered(self, model: type[Model], reader: Reader) -> QuerySet[Any]:
        """What a choice of a related row is made from."""
        from portal.models import Membership, User

        if model is User:
            members = access.of_organization(Membership.objects.active(), reader)
            return User.objects.filter(pk__in=members.values("user_id"))
        return access.of_organization(model._default_manager.all(), reader)


class PortalInline(_Tenant, TabularInline):
    """Rows inside another row's page."""

    extra = 0
    show_change_link = True

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        reader = reader_of(request)
        kwargs["form"] = type("Form", (self.form,), {"reader": reader})
        return super().get_formset(request, obj, **kwargs)


class PortalAdmin(_Tenant, ModelAdmin):
    """One kind of row. Writes go on record in our audit log; Django's own admin log is not used."""

    list_per_page = 50
    show_full_result_count = False
    actions_selection_counter = True

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let the address of a list narrow it by what the list offers, and by nothing else.

        Django lets it ask about every column of the row: `?password__startswith=` would spell a
        password's digest out, letter by letter.
        """
        asked = lookup.split(LOOKUP_SEP, maxsplit=1)[0]
        offered = {_name_of(each) for each in self.get_list_filter(request)}
        is_offered = asked in offered | {self.date_hierarchy}
        return is_offered and super().lookup_allowed(lookup, value, request)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = kwargs.pop("form", self.form)
        kwargs["form"] = type("Form", (form,), {"reader": reader_of(request)})
        return super().get_form(request, obj, change=change, **kwargs)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        self.record(request, "added", obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        self.record(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.record(request, "deleted", row, [])

    def record(self, request: HttpRequest, verb: str, obj: Model, message: Any) -> None:
        """Put an administrator's write on record: which row and which fields, not their values."""
        reader = reader_of(request)
        audit.record(
            f"{obj._meta.model_name}.{verb}",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            subject=obj,
            fields=_fields(message),
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What happened to a row is in the audit log."""
        raise Http404


class ReadOnlyAdmin(PortalAdmin):
    """Rows that are looked at."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _is_admin(request: HttpRequest) -> bool:
    reader = getattr(request, "reader", None)
    return reader is not None and reader.is_admin


def _name_of(offered: Any) -> str:
    """What one entry of `list_filter` is called in an address: its column, or its own name."""
    column = offered[0] if isinstance(offered, tuple) else offered
    return column if isinstance(column, str) else str(column.parameter_name)


def _fields(message: Any) -> list[str]:
    """Names of the fields in Django's description of a change."""
    if not isinstance(message, list):
        return []
    names: list[str] = []
    for part in message:
        for detail in part.values():
            names += [str(name) for name in detail.get("fields", [])]
    return names
