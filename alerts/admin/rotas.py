"""Rotas: their shifts, who stands in, and where nobody is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import INPUT_CLASSES

from alerts import rota_actions
from alerts.models import Rota, Shift, ShiftOverride
from alerts.on_call import Roster, able_members, roster_of
from portal.access import Reader
from portal.actions.errors import Refused
from portal.admin.base import OrganizationForm, PortalAdmin, PortalInline
from portal.doors import reader_of
from portal.models import Organization, User

AHEAD = timedelta(days=7)


def callable_users(reader: Reader) -> QuerySet[User]:
    """Who may be put on a rota: nurses and clinicians of the organization."""
    return User.objects.filter(pk__in=able_members(reader.organization_id)).order_by("name")


class _Called:
    """Offers, for a person on a rota, only those who can be called."""

    def formfield_for_foreignkey(self, field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if field.remote_field.model is User:
            kwargs["queryset"] = callable_users(reader_of(request))
        return super().formfield_for_foreignkey(field, request, **kwargs)  # type: ignore[misc]


# The browser's own fields: those of the administration put a calendar of their own beside each
# date, fifteen hundred links on a page with the shifts of a week.
_DAY = {"type": "date", "class": " ".join(INPUT_CLASSES)}
_HOUR = {**_DAY, "type": "time"}


class ShiftForm(OrganizationForm):
    """A shift. Whoever has left stays named until somebody else is."""

    # Who may be called, asked once for all shifts of a page.
    people: list[tuple[UUID, str]]

    class Meta:
        model = Shift
        fields = [
            *("name", "user", "weekday", "starts", "days", "ends"),
            *("every", "position", "from_on", "until_on"),
        ]
        widgets = {
            "every": forms.NumberInput(attrs={"min": 1, "max": 26}),
            **{name: forms.DateInput(_DAY, "%Y-%m-%d") for name in ("from_on", "until_on")},
            **{name: forms.TimeInput(_HOUR, "%H:%M") for name in ("starts", "ends")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding and "from_on" in self.fields:
            self.fields["from_on"].initial = timezone.localdate
        # The names of the columns stand above a table of fields: each field says its own.
        for field in self.fields.values():
            # A choice of a person is wrapped, and only what is inside becomes a copy of this form.
            widget: Any = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = str(field.label)
        if "user" in self.fields:
            self._offer_people(self.fields["user"])

    def _offer_people(self, field: Any) -> None:
        holder, people = self.instance.user_id, self.people
        if holder and all(holder != user for user, _name in people):
            field.queryset = field.queryset | User.objects.filter(pk=holder)
            people = [*people, (holder, self.instance.user.name)]
        field.choices = [("", field.empty_label), *people]


class ShiftInline(_Called, PortalInline):
    """The shifts that hold now or later; those that have ended are history."""

    model = Shift
    form = ShiftForm
    fields = ShiftForm.Meta.fields
    show_change_link = False
    ordering = ["weekday", "starts", "position"]

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.people = list(callable_users(reader_of(request)).values_list("pk", "name"))
        return formset

    def narrowed(self, rows: QuerySet[Any], reader: Reader) -> QuerySet[Any]:
        ended = rows.filter(until_on__lt=timezone.localdate() - timedelta(days=1))
        return super().narrowed(rows, reader).exclude(pk__in=ended.values("pk"))


@admin.register(Rota)
class RotaAdmin(PortalAdmin):
    """Who can be called. An edit of a shift holds from today; what was before stays as it was."""

    list_display = ["name", "time_zone", "is_round_the_clock", "on_call_now", "empty_hours"]
    search_fields = ["name"]
    fields = ["name", "time_zone", "is_round_the_clock", "on_call_now", "empty_hours"]
    readonly_fields = ["on_call_now", "empty_hours"]
    inlines = [ShiftInline]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        clinic = Organization.objects.get(pk=reader_of(request).organization_id)
        return {"time_zone": clinic.time_zone}

    @admin.display(description="On call now")
    def on_call_now(self, rota: Rota) -> str:
        if rota._state.adding:
            return "–"
        called = _roster(rota).on_call(timezone.now())
        names = dict(User.objects.filter(pk__in=called).values_list("pk", "name"))
        return ", ".join(names[user] for user in called) or "▲ Nobody"

    @admin.display(description="Empty in the next seven days")
    def empty_hours(self, rota: Rota) -> SafeString | str:
        if rota._state.adding:
            return "–"
        now = timezone.now()
        gaps = _roster(rota).gaps(now, now + AHEAD)
        if not gaps:
            return "Every hour is filled"
        lines = format_html_join(
            "",
            "<div>▲ {} – {}</div>",
            (
                (f"{start:%a %d %b, %H:%M}", f"{end:%a %d %b, %H:%M}")
                for start, end in (
                    (gap.start.astimezone(rota.zone), gap.end.astimezone(rota.zone)) for gap in gaps
                )
            ),
        )
        address = reverse("alerts:rota_calendar", args=[rota.pk])
        return format_html('{}<a href="{}">Look at the calendar</a>', lines, address)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Keep the past: a shift that has begun ends, and another of its series goes on."""
        rows = formset.save(commit=False)
        changed = {row.pk: names for row, names in formset.changed_objects}
        today = timezone.localtime(timezone=form.instance.zone).date()
        for row in rows:
            if row.pk not in changed:
                row.organization_id = reader_of(request).organization_id
                row.save()
                self.record(request, "added", row, [])
                continue
            names = changed[row.pk]
            before = Shift.objects.get(pk=row.pk)
            if set(names) == {"until_on"}:
                row.save(update_fields=["until_on"])
            else:
                changes = {name: getattr(row, name) for name in names if name != "from_on"}
                rota_actions.change_shift(before, changes, today=today)
            self.record(request, "changed", row, [{"changed": {"fields": names}}])
        formset.save_m2m()


def _roster(rota: Rota) -> Roster:
    """What the rota says, read once: the theme asks for each line of a page several times."""
    read = vars(rota)
    if "roster" not in read:
        read["roster"] = roster_of(rota)
    roster: Roster = read["roster"]
    return roster


class OverrideForm(OrganizationForm):
    """Somebody stands in from one instant to another, whatever shifts lie in between."""

    class Meta:
        model = ShiftOverride
        fields = ["rota", "user", "replaces", "starts_at", "ends_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("starts_at", "ends_at"):
            if name in self.fields:
                self.fields[name].required = True


@admin.register(ShiftOverride)
class ShiftOverrideAdmin(_Called, PortalAdmin):
    """Who stands in for whom. Made and withdrawn, never changed."""

    form = OverrideForm
    list_display = ["rota", "user", "replaces", "when", "by", "made_at", "withdrawn_at"]
    list_select_related = ["rota", "user", "replaces", "by"]
    list_filter = [("withdrawn_at", admin.EmptyFieldListFilter)]
    fields = ["rota", "user", "replaces", "starts_at", "ends_at"]
    actions = ["take_back"]
    ordering = ["-made_at"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="When")
    def when(self, override: ShiftOverride) -> str:
        if override.begins_on is not None:
            return f"the shift of {override.begins_on:%a %d %b %Y}"
        assert override.starts_at is not None
        assert override.ends_at is not None
        zone = override.rota.zone
        starts, ends = override.starts_at.astimezone(zone), override.ends_at.astimezone(zone)
        return f"{starts:%a %d %b, %H:%M} – {ends:%a %d %b, %H:%M}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.by_id = reader_of(request).user_id
        super().save_model(request, obj, form, change)

    @admin.action(description="Withdraw")
    def take_back(self, request: HttpRequest, overrides: QuerySet[ShiftOverride]) -> None:
        withdrawn = 0
        for override in overrides.filter(withdrawn_at=None):
            try:
                rota_actions.withdraw(override.pk, by=reader_of(request))
            except (Refused, ShiftOverride.DoesNotExist) as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                withdrawn += 1
        self.message_user(request, f"{withdrawn} withdrawn.", messages.SUCCESS)
