from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from unipile_accounts.models.account import UnipileAccount


class ConnectLink(models.Model):
    """A link to Unipile's hosted page that was given to a customer; the address is not stored.

    Its signed id travels with the link and comes back in Unipile's notice: so a notice is tied to
    the customer, and to the row that is reconnected. It counts once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="connect_links",
        verbose_name=_("owner"),
    )
    account = models.ForeignKey(
        UnipileAccount,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="connect_links",
        verbose_name=_("account"),
        help_text=_("The account that is reconnected; none for a new one."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    unipile_account_id = models.CharField(
        _("Unipile id"),
        max_length=255,
        blank=True,
        help_text=_("The account that Unipile's notice named when the link was used."),
    )

    class Meta:
        db_table = "unipile_connect_links"
        verbose_name = _("connect link")
        verbose_name_plural = _("connect links")

    def __str__(self) -> str:
        return str(self.pk)
