"""A forgotten password: a link by e-mail, and a new password behind it.

What a stranger sees is the same whether or not somebody has the address they typed.
"""

from uuid import UUID

from axes.utils import reset as unlock
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlsafe_base64_decode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from portal import allowances, jobs, mail, tenancy
from portal.actions.passwords import reset_password
from portal.addresses import site_of
from portal.forms.passwords import NewPasswordForm
from portal.forms.sign_in import PasswordResetForm
from portal.models import User
from portal.password_links import link_tokens
from portal.views.entering import forget_page
from portal.views.tokens import unreferred


@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for the address and send a link, if somebody has it; without e-mail say whom to call."""
    if not mail.is_on():
        return _no_mail(request)
    form = PasswordResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"].lower()
        tenancy.prove(email)
        user_id = User.objects.filter(email=email).values_list("pk", flat=True).first()
        # The same job for nobody: an answer that is quicker for a stranger's address would tell.
        if allowances.is_within(allowances.PASSWORD_RESET, request, email):
            jobs.send_password_reset.defer(user_id=str(user_id or ""), site=site_of(request))
        return redirect("portal:password_reset_sent")
    status = 422 if form.errors else 200
    return render(request, "portal/password_reset.html", {"form": form}, status=status)


@require_safe
def password_reset_sent(request: HttpRequest) -> HttpResponse:
    """Say what to do now."""
    if not mail.is_on():
        return _no_mail(request)
    return render(request, "portal/password_reset_sent.html")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset_confirm(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Behind the link: choose a new password. Every session of the user ends."""
    user = _user(uid)
    if user is None or not link_tokens.check_token(user, token):
        return unreferred(render(request, "portal/password_reset_over.html", status=410))
    form = NewPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        reset_password(user, form.cleaned_data["password"])
        # Whoever reads the mailbox has proven more than a right guess would.
        unlock(username=user.email)
        return unreferred(forget_page(redirect("portal:password_reset_done")))
    status = 422 if form.errors else 200
    return unreferred(
        render(request, "portal/password_reset_confirm.html", {"form": form}, status=status)
    )


@require_safe
def password_reset_done(request: HttpRequest) -> HttpResponse:
    """Say that it is done, and lead to the front door."""
    return render(request, "portal/password_reset_done.html")


def _no_mail(request: HttpRequest) -> HttpResponse:
    """Nobody is asked for an address to which nothing would go."""
    return render(request, "portal/password_reset_unsent.html")


def _user(uid: str) -> User | None:
    """The user that a link names, who is from here on visible to this transaction."""
    try:
        user_id = UUID(urlsafe_base64_decode(uid).decode())
    except (ValueError, UnicodeDecodeError):
        return None
    tenancy.prove(str(user_id))
    return User.objects.filter(pk=user_id, is_active=True).first()
