"""A person who can sign in. Global: one person may belong to several organizations."""

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from portal.identifiers import uuid7
from portal.rls import Policy

PROVING = "nullif(current_setting('portal.signing_in', true), '')"

# Somebody whose membership here the reader may read: for staff everybody, for others the staff.
# Looked up for each user; to gather them all takes long where an organization has many.
KNOWN_MEMBER = (
    "EXISTS (SELECT FROM memberships WHERE memberships.user_id = users.id"
    " AND memberships.organization_id = (SELECT portal_organization()))"
)


class UserManager(BaseUserManager["User"]):
    """Makes users; an address is kept in lower case, because people do not type it one way."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Return a new user; without a password nobody can sign in as them yet."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address and a name.

    What they may do is not written here: it follows from their membership, their care teams, the
    patient record or the caregiver's mandate that carries them. `is_superuser` and permissions
    exist because Django admin asks for them; `portal.admin` answers from the membership.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(
        "may sign in", default=True, help_text="Switching this off ends every session at once."
    )
    theme = models.CharField(
        max_length=6,
        choices=[("system", "Like my device"), ("light", "Light"), ("dark", "Dark")],
        default="system",
    )
    # Where they worked last: offered first when they sign in again.
    last_organization = models.ForeignKey(
        "portal.Organization", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        db_table = "users"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            Policy(
                name="users",
                tenant=False,
                read=(
                    "id = (SELECT portal_user()) OR (SELECT portal_is_system())"
                    f" OR email = {PROVING} OR id::text = {PROVING}"
                    f" OR {KNOWN_MEMBER}"
                    " OR id IN (SELECT portal_people_around())"
                ),
                # Nobody writes another person's password, address or factors, not an administrator.
                write=(
                    f"id = (SELECT portal_user()) OR email = {PROVING} OR id::text = {PROVING}"
                    " OR (SELECT portal_is_system())"
                ),
                insert="(SELECT portal_is_system()) AND NOT is_superuser",
                delete="false",
                # Address, name and `is_superuser` are given once: no request of ours changes them.
                privileges=(
                    "SELECT",
                    "INSERT",
                    "UPDATE (password, last_login, is_active, theme, last_organization_id)",
                ),
            ),
        ]
        triggers = [
            # A user is not of one organization: each of theirs is told once.
            pgtrigger.Trigger(
                name="user_access",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("is_active", "password"),
                condition=pgtrigger.Q(old__is_active__df=pgtrigger.F("new__is_active"))
                | pgtrigger.Q(old__password__df=pgtrigger.F("new__password")),
                func="PERFORM portal_tell_user(NEW.id, 'grants', '{}'::jsonb); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        """Django admin's question; the answer is the membership's (see `portal.admin`)."""
        return self.is_active

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]
