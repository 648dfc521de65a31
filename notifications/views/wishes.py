"""How a person wishes to be told: the page in their account."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from notifications.actions.wishing import choose
from notifications.channels import email, sms, web_push
from notifications.forms import CodeForm, PhoneForm, WishesForm
from notifications.models import Device, Phone
from notifications.situation import wishes_of
from portal.access import Reader, of_reader
from portal.doors import members_only, reader_of


@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def wishes(request: HttpRequest) -> HttpResponse:
    """Show and change kinds, channels and hours."""
    reader = reader_of(request)
    form = WishesForm(request.POST or None, reader=reader, wishes=_wishes(reader))
    if request.method == "POST" and form.is_valid():
        choose(form.chosen(), offered=form.channels, wishes=form.wishes(), by=reader)
        messages.success(request, "Saved.")
        return redirect("notifications:wishes")
    return page(request, wishes_form=form)


def page(request: HttpRequest, **forms: Any) -> HttpResponse:
    """The whole page; `forms` are those that were filled in wrongly."""
    reader = reader_of(request)
    phone = of_reader(Phone.objects.exclude(number=""), reader).first()
    context = {
        "wishes_form": WishesForm(reader=reader, wishes=_wishes(reader)),
        "phone_form": PhoneForm(),
        "code_form": CodeForm(),
        "phone": phone,
        "devices": of_reader(Device.objects.all(), reader),
        "push_key": web_push.public_key(),
        "is_push_on": web_push.is_on(),
        "is_sms_on": sms.is_on(),
        "is_email_on": email.is_on(),
        **forms,
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return render(request, "notifications/wishes.html", context, status=status)


def _wishes(reader: Reader) -> Any:
    return wishes_of(reader.organization_id, reader.user_id)
