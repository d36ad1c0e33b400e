"""Logins with a password, in the admin and for a token."""

from __future__ import annotations

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.models import AccessAttempt
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db.models import Max, Sum
from django.http import HttpRequest

from puffle.logging import user_id
from puffle.stores import give_connection_back

FAILURES_OF_A_NAME = 10
FAILURES_OF_AN_ADDRESS = 50


class LoginBackend(ModelBackend):
    """Django's, but no database connection is held during the hashing.

    A hash is not renewed at a login, only with the password. Tokens and sessions are bound to the
    hash, so a new one would log the user out elsewhere.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        user = User.objects.filter(username=User.normalize_username(username)).first()
        give_connection_back()
        if user is None:
            # Take as long as for a user, so that nobody learns which names exist.
            make_password(password)
            return None
        if check_password(password, user.password) and self.user_can_authenticate(user):
            user_id.set(user.pk)
            return user
        return None

    def get_user(self, pk: Any) -> User | None:
        user = super().get_user(pk)
        user_id.set(user and user.pk)
        return user


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the user name that failures count for, in the form and length that axes stores."""
    return User.normalize_username((credentials or {}).get("username") or "")[:255]


def failure_limit(request: Any, credentials: dict[str, Any] | None) -> int:
    """Return how many failures lock a name out. None are needed where its address has too many."""
    recent = AccessAttempt.objects.filter(
        ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request)
    )
    failures = recent.aggregate(Sum("failures_since_start"))["failures_since_start__sum"] or 0
    return 0 if failures >= FAILURES_OF_AN_ADDRESS else FAILURES_OF_A_NAME


def seconds_locked(request: Any) -> float:
    """Return the seconds after which no failure of this address counts any more."""
    attempts = AccessAttempt.objects.filter(ip_address=request.axes_ip_address)
    last = attempts.aggregate(Max("attempt_time"))["attempt_time__max"]
    # A login or staff may have just deleted them.
    return (last - get_cool_off_threshold(request)).total_seconds() if last else 1.0
