from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from timezone_field import TimeZoneField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean()
        user.save(force_insert=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        # Not iexact: a database takes more letters for the same than lower() does, and the throttle counts by lower().
        return self.get(email=(username or "").strip().lower())


class Theme(models.TextChoices):
    SYSTEM = "system", "As the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in with the e-mail address; sees times in ``time_zone``."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=150)
    time_zone = TimeZoneField(null=True, blank=True, help_text="Empty until chosen or offered by the browser.")
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    mail_on_error = models.BooleanField(default=True)
    mail_on_warning = models.BooleanField(default=True)
    mail_on_success = models.BooleanField(default=False)
    mail_on_long = models.BooleanField(default=True, help_text="A run takes longer than usual.")
    is_staff = models.BooleanField("administrator of this site", default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="This e-mail is taken."
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email


class LoginAttempt(models.Model):
    """A failed sign-in, kept for the throttle (DESIGN §8)."""

    email = models.CharField(max_length=254)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["email", "at"]), models.Index(fields=["address", "at"])]

    def __str__(self) -> str:
        return f"{self.email} from {self.address} at {self.at:%Y-%m-%d %H:%M:%S}"
