"""The front door: in by address and password, out by one press."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal import allowances, jobs, tenancy
from portal.addresses import is_own
from portal.demo import DEMO_ACCOUNTS, DEMO_PASSWORD
from portal.forms.sign_in import SignInForm
from portal.models import User
from portal.views.colours import wear
from portal.views.entering import enter, leave, memberships_of, sign_in_user

NOWHERE = "You have an account, but no clinic has opened it for you now. Please call your clinic."


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is; then lead them where they were going."""
    if request.user.is_authenticated:
        return _already_in(request)
    form = SignInForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if (answer := _let_in(request, form)) is not None:
            return answer
    elif request.method == "POST" and form.non_field_errors():
        _note_refusal(request, form)
    context = {
        "form": form,
        "next": _next(request),
        "demo_accounts": DEMO_ACCOUNTS if settings.DEMO else (),
        "demo_password": DEMO_PASSWORD if settings.DEMO else "",
    }
    # 422: htmx and password managers tell a form that was refused from one that was sent.
    return render(request, "portal/sign_in.html", context, status=422 if form.errors else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session. Who is signed out already is not told off for it."""
    response = leave(request)
    messages.success(request, "You are signed out.")
    return response


def _let_in(request: HttpRequest, form: SignInForm) -> HttpResponse | None:
    user = form.user
    assert user is not None
    tenancy.prove(str(user.pk))
    places = memberships_of(user.pk)
    if not places:
        form.add_error(None, NOWHERE)
        return None
    sign_in_user(request, user)
    if len(places) == 1:
        enter(request, places[0])
        response = redirect(_next(request) or "portal:start")
    else:
        response = redirect(_choice(request))
    return response if user.theme == "system" else wear(request, response, user.theme)


def _already_in(request: HttpRequest) -> HttpResponse:
    if request.reader is not None:  # type: ignore[attr-defined]
        return redirect(_next(request) or "portal:start")
    if memberships_of(cast(User, request.user).pk):
        return redirect(_choice(request))
    # Their last membership has ended while they were signed in.
    response = leave(request)
    messages.warning(request, NOWHERE)
    return response


def _note_refusal(request: HttpRequest, form: SignInForm) -> None:
    # The transaction can see this one user, if there is one (`tenancy.prove`).
    email = form.cleaned_data.get("username", "").lower()
    user_id = User.objects.filter(email=email).values_list("pk", flat=True).first()
    if allowances.is_within(allowances.REFUSED_SIGN_IN, request, email):
        jobs.record_refused_sign_in.defer(user_id=str(user_id or ""))


def _next(request: HttpRequest) -> str:
    """The address to go on to, when it is one of ours."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    return address if is_own(request, address) else ""


def _choice(request: HttpRequest) -> str:
    address = reverse("portal:organization_switch")
    following = _next(request)
    return f"{address}?{urlencode({'next': following})}" if following else address
