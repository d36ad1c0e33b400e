from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

if TYPE_CHECKING:
    from unipile_accounts.models.account import UnipileAccount  # noqa: F401  # named as text

# Whoever a request may come from.
AnyUser = AbstractBaseUser | AnonymousUser


class UnipileAccountQuerySet(models.QuerySet["UnipileAccount"]):
    def owned_by(self, user: AnyUser) -> Self:
        return self.filter(user_id=user.pk)

    def given_up(self) -> Self:
        return self.exclude(given_up_at=None)

    def readable(self) -> Self:
        """Leave out the accounts that their owners gave up; Unipile is not asked about them."""
        return self.filter(given_up_at=None)

    def not_answered_since(self, moment: datetime | Combinable) -> Self:
        """Return accounts without an answer, or with one that is older or ahead of the clock."""
        is_ahead = models.Q(answered_at__gt=Now())
        return self.filter(models.Q(answered_at=None) | models.Q(answered_at__lt=moment) | is_ahead)

    def deletable(self) -> Self:
        """Return accounts that leave nothing behind at Unipile."""
        return self.filter(_DELETABLE)

    def with_database_time(self) -> Self:
        """Add `database_time`, by which answers are put in order."""
        return self.annotate(database_time=Now())

    def database_time(self) -> datetime:
        """Return the database's time, or the server's where there is no row to ask with."""
        row = self.model.objects.values_list(Now()).first()
        return row[0] if row else timezone.now()


_DELETABLE = (
    ~models.Q(given_up_at=None) | models.Q(answered_at=None) | models.Q(last_error="not_linkedin")
)


def protect_living(
    collector: Any, field: Any, sub_objs: UnipileAccountQuerySet, using: str
) -> None:
    """Keep the owner of an account that would live on at Unipile, or delete it with its owner."""
    if living := sub_objs.exclude(_DELETABLE):
        raise models.ProtectedError("Disconnect the accounts of this user first.", set(living))
    models.CASCADE(collector, field, sub_objs, using)
