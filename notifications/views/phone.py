"""A number for text messages: given, confirmed by a code, taken away."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from notifications.actions.wishing import confirm_phone, remove_phone, set_phone
from notifications.channels import sms
from notifications.errors import TooManyCodes
from notifications.forms import CodeForm, PhoneForm
from notifications.models import Phone
from notifications.views.wishes import page
from portal.doors import members_only, reader_of


@require_POST
@members_only
def phone(request: HttpRequest) -> HttpResponse:
    """Keep a number and send it a code."""
    if not sms.is_on():
        raise Http404
    form = PhoneForm(request.POST)
    if form.is_valid():
        try:
            set_phone(form.cleaned_data["number"], by=reader_of(request))
        except TooManyCodes as refused:
            form.add_error("number", refused.words)
        else:
            messages.success(request, "We have sent you a code. It holds for ten minutes.")
            return redirect("notifications:wishes")
    return page(request, phone_form=form)


@sensitive_post_parameters("code")
@require_POST
@members_only
def code(request: HttpRequest) -> HttpResponse:
    """The code shows that the number is theirs."""
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            confirmed = confirm_phone(form.cleaned_data["code"], by=reader_of(request))
        except Phone.DoesNotExist:
            return redirect("notifications:wishes")
        if confirmed.confirmed_at:
            messages.success(request, "Your number is confirmed.")
            return redirect("notifications:wishes")
        form.add_error("code", "That code is not right, or too old. You can ask for a new one.")
    return page(request, code_form=form)


@require_POST
@members_only
def removal(request: HttpRequest) -> HttpResponse:
    """Send no more text messages."""
    remove_phone(by=reader_of(request))
    messages.success(request, "We will send you no more text messages.")
    return redirect("notifications:wishes")
