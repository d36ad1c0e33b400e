from __future__ import annotations

import re
import uuid
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from unipile_accounts.limits import FREE, Plan, plan_of
from unipile_accounts.models.queryset import UnipileAccountQuerySet, protect_living

# Ids of Unipile's second API begin with acc_, and the first one refuses them.
UNIPILE_ID = re.compile(r"\A(?!acc_)[A-Za-z0-9_-]{22}\Z")


class UnipileAccount(models.Model):
    """A LinkedIn account that a customer has connected through Unipile."""

    class Status(models.TextChoices):
        CONNECTED = "connected", "connected"
        CREDENTIALS_REQUIRED = "credentials_required", "credentials required"
        DISCONNECTED = "disconnected", "disconnected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=protect_living,
        related_name="unipile_accounts",
        verbose_name="owner",
    )
    unipile_account_id = models.CharField(
        "Unipile id",
        max_length=255,
        validators=[
            RegexValidator(
                UNIPILE_ID,
                (
                    "This is no Unipile id. Copy the account's id from Unipile's dashboard: exactly"
                    " 22 letters, digits, hyphens and underscores, such as k3Vd9QmTRxS1aLw0ZbYc7A."
                ),
            )
        ],
        error_messages={"unique": "There is already an account with this Unipile id."},
        help_text="Unipile's own id of the account, 22 characters such as k3Vd9QmTRxS1aLw0ZbYc7A.",
    )
    linkedin_id = models.CharField(
        "LinkedIn member",
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="Unipile's id of the LinkedIn member, the same at every login.",
    )
    name = models.CharField(max_length=255, blank=True)
    profile_url = models.URLField("profile URL", max_length=1000, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.CONNECTED)
    given_up_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its owner or staff disconnected it. Only a reconnect brings it back.",
    )
    is_premium = models.BooleanField("premium", default=False)
    has_sales_navigator = models.BooleanField("Sales Navigator", default=False)
    weekly_connection_limit = models.PositiveIntegerField(default=FREE.weekly_connection_limit)
    weekly_message_limit = models.PositiveIntegerField(default=FREE.weekly_message_limit)
    refreshed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the newest plan was asked for. Without it the plan is not known.",
    )
    answered_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the newest stored answer was asked for, by the database's clock.",
    )
    version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Goes up with every write."
    )
    live_checked_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the stored plan was read from LinkedIn itself, if it was.",
    )
    live_snapshot = models.TextField(
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="What Unipile's copy said then of the flags that LinkedIn told, as JSON.",
    )
    last_tried_at = models.DateTimeField(
        null=True, blank=True, help_text="When any door last asked."
    )
    last_error = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Why the last refresh failed, as a code; empty after a success.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UnipileAccountQuerySet.as_manager()

    # Set before a row is deleted because another one has taken its login.
    is_merged = False

    class Meta:
        db_table = "unipile_accounts"
        verbose_name = "Unipile account"
        indexes = [models.Index(fields=["linkedin_id"], name="unipile_account_linkedin_id")]
        permissions = [("refresh_unipileaccount", "Can refresh Unipile account")]
        constraints = [
            # unique=True would add a second index, for LIKE, that no query uses.
            models.UniqueConstraint(
                fields=["unipile_account_id"], name="unipile_account_id_unique"
            ),
            models.UniqueConstraint(
                fields=["user", "linkedin_id"],
                condition=~models.Q(linkedin_id=""),
                name="unipile_account_one_row_a_member",
            ),
            models.CheckConstraint(
                condition=~models.Q(unipile_account_id=""), name="unipile_account_id_not_empty"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["connected", "credentials_required", "disconnected"]
                ),
                name="unipile_account_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(weekly_connection_limit__gt=0, weekly_message_limit__gt=0),
                name="unipile_account_limits_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.unipile_account_id

    @cached_property
    def database_time(self) -> datetime:
        """Return the database's time when the row was read, or else now."""
        return type(self).objects.database_time()

    def passed(self, moment: datetime | None) -> datetime | None:
        """Return a time, and None for one ahead of the database's clock, which orders nothing."""
        return moment if moment and moment <= self.database_time else None

    @property
    def plan(self) -> Plan | None:
        """Return the plan, or None where no answer has told it."""
        if self.refreshed_at is None:
            return None
        return plan_of(is_premium=self.is_premium, has_sales_navigator=self.has_sales_navigator)
