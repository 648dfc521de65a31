"""A session that a new password has ended hears nothing more, whoever else of that person is here.

The row of the session still stands: only its password is not the user's any more, as after a
digest was renewed or `manage.py changepassword`.
"""

from dataclasses import replace

import pytest
from django.conf import settings

from portal.authority import authority
from portal.models import User
from realtime.asking import _rights_of


def identity_of(client):
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
    return authority.identify({"headers": [(b"cookie", cookie.encode())]})


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_new_session_does_not_speak_for_the_old_one(client_for, acting, ada, newest_first):
    old = identity_of(client_for(ada))
    with acting(ada):
        user = User.objects.get(pk=ada.user.pk)
        user.set_password("another quiet harbour")
        user.save(update_fields=["password"])
    new = identity_of(client_for(replace(ada, user=user)))

    [(ended, grants)] = _rights_of(authority, [[new, old] if newest_first else [old, new]])

    assert ended == [old]
    assert grants
