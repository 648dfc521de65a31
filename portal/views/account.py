"""A person's own account: where they are signed in, password, colours, organizations."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.actions.accounts import choose_theme
from portal.actions.passwords import change_password
from portal.actions.sessions import end_other_sessions, end_session
from portal.browsers import address_of, place_in_words
from portal.doors import members_only, reader_of
from portal.forms.account import ThemeForm
from portal.forms.passwords import PasswordChangeForm
from portal.models import Session, User
from portal.sessions import PLACE_KEY, name_of
from portal.views.colours import wear
from portal.views.entering import memberships_of


@require_safe
@members_only
def account(request: HttpRequest) -> HttpResponse:
    """Show where the reader is signed in and what they may change."""
    return render(request, "portal/account.html", _context(request))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password; every other session ends, this one gets a new key."""
    form = PasswordChangeForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = change_password(
            form.cleaned_data["password"],
            by=reader_of(request),
            session=name_of(request),
        )
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is changed. Other devices are signed out.")
        return redirect("portal:account")
    status = 422 if form.errors else 200
    return render(request, "portal/password_change.html", {"form": form}, status=status)


@require_POST
@members_only
def session_end(request: HttpRequest) -> HttpResponse:
    """End one session of the reader's own."""
    if end_session(request.POST.get("session", ""), by=reader_of(request)):
        messages.success(request, "That device is signed out.")
    else:
        messages.info(request, "That device was signed out already.")
    return redirect("portal:account")


@require_POST
@members_only
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of the reader but this one."""
    ended = end_other_sessions(by=reader_of(request), keeping=name_of(request))
    messages.success(
        request,
        "All your other devices are signed out." if ended else "You are signed in only here.",
    )
    return redirect("portal:account")


@require_POST
@members_only
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the colours, and wear them."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return render(
            request, "portal/account.html", _context(request, theme_form=form), status=422
        )
    chosen = form.cleaned_data["theme"]
    choose_theme(chosen, by=reader_of(request))
    return wear(request, redirect("portal:account"), chosen)


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    reader = reader_of(request)
    sessions = Session.objects.filter(user_id=reader.user_id).select_related("organization")
    return {
        "sessions": [_shown(session, request) for session in sessions.order_by("-last_active_at")],
        "places": memberships_of(reader.user_id),
        "theme_form": ThemeForm(initial={"theme": cast(User, request.user).theme}),
        **more,
    }


def _shown(session: Session, request: HttpRequest) -> dict[str, Any]:
    return {
        "digest": session.digest,
        "browser": session.browser or "An unknown browser",
        "place": place_in_words(session.get_decoded().get(PLACE_KEY, ""), address_of(request)),
        "organization": session.organization,
        "started_at": session.created_at,
        "last_active_at": session.last_active_at,
        "is_here": session.digest == name_of(request),
    }
