"""Logins with a password, at every door: the admin and the token."""

from __future__ import annotations

from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.cache import AxesCacheHandler
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest

from puffle.cache import tolerating_a_dead_cache
from puffle.database import give_connection_back
from puffle.logging import user_id


class LoginBackend(AxesStandaloneBackend, ModelBackend):  # type: ignore[misc]
    """Django's, with a limit of failures, and no database connection held during the hashing.

    A hash is not renewed at a login, only with the password: tokens and sessions are bound to it,
    so that a new one would log the user out elsewhere.
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
        if request is not None:
            super().authenticate(request, username=username, password=password)
        user = User.objects.filter(username=username).first()
        give_connection_back()
        if user is None:
            # It takes as long as for a user, so that nobody learns which names exist.
            make_password(password)
            return None
        if not (check_password(password, user.password) and self.user_can_authenticate(user)):
            return None
        if request is not None:
            AxesProxyHandler.user_logged_in(None, request, user)
        user_id.set(user.pk)
        return user

    def get_user(self, pk: Any) -> User | None:
        user = super().get_user(pk)
        user_id.set(user and user.pk)
        return user


class FailedLogins(AxesCacheHandler):  # type: ignore[misc]
    """Counts failed logins in the cache, which may be dead."""

    def __init__(self) -> None:
        self.cache = cache

    def get_failures(self, *args: Any, **kwargs: Any) -> int:
        failures = 0
        with tolerating_a_dead_cache():
            failures = int(super().get_failures(*args, **kwargs))
        return failures  # noqa: RET504  # the block may be left early

    def user_login_failed(self, *args: Any, **kwargs: Any) -> None:
        with tolerating_a_dead_cache():
            super().user_login_failed(*args, **kwargs)

    def user_logged_in(self, *args: Any, **kwargs: Any) -> None:
        with tolerating_a_dead_cache():
            super().user_logged_in(*args, **kwargs)
