from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from unipile_accounts.models.account import UnipileAccount

# A login that was begun in time may end a little later.
GRACE = timedelta(days=1)


class ConnectLinkQuerySet(models.QuerySet["ConnectLink"]):
    def good(self) -> Self:
        """Leave out links that expired more than a day ago."""
        return self.filter(expires_at__gt=Now() - GRACE)


class ConnectLink(models.Model):
    """A link to Unipile's hosted page that was given to a customer. The address is not stored.

    Its signed id travels with the link and comes back in Unipile's notice. The notice is noted as
    a claim, and only an answer of Unipile's uses the link up. Links outlive row and owner, so no
    foreign key is enforced.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="connect_links",
        db_constraint=False,
        verbose_name="owner",
    )
    account = models.ForeignKey(
        UnipileAccount,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="connect_links",
        db_constraint=False,
        help_text="The account that is reconnected; none for a new one.",
    )
    reconnect_account = models.CharField(
        "reconnected Unipile id",
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The account at Unipile that the link logs in again; none for a new login.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    claimed_account_id = models.CharField(
        "claimed Unipile id",
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The account of the open claim: a notice named it, and nobody has read it.",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    unipile_account_id = models.CharField(
        "Unipile id",
        max_length=255,
        blank=True,
        help_text="The account that was read when the link was used.",
    )

    objects = ConnectLinkQuerySet.as_manager()

    class Meta:
        db_table = "unipile_connect_links"
        indexes = [
            models.Index(
                fields=["claimed_account_id"],
                name="unipile_link_claim",
                condition=~models.Q(claimed_account_id=""),
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
