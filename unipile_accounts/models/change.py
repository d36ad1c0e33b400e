from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from unipile_accounts.models.account import UnipileAccount


class AccountChange(models.Model):
    """One column of an account that a refresh, a connect or a disconnect has changed."""

    account = models.ForeignKey(
        UnipileAccount,
        on_delete=models.CASCADE,
        related_name="changes",
        db_index=False,
        # A deletion must not fail because a refresh has just added to the history.
        db_constraint=False,
        verbose_name=_("account"),
    )
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    door = models.CharField(
        _("door"), max_length=16, help_text=_("Where the change came in, such as api or command.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("acting user"),
    )
    idempotency_key = models.CharField(
        max_length=128,
        blank=True,
        default="",
        help_text=_("What the request was marked with, so that its repetition can be answered."),
    )
    field = models.CharField(_("field"), max_length=64)
    old = models.TextField(_("old"), blank=True)
    new = models.TextField(_("new"), blank=True)

    class Meta:
        db_table = "unipile_account_changes"
        verbose_name = _("account change")
        verbose_name_plural = _("account changes")
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"], name="unipile_change_account")]

    def __str__(self) -> str:
        return f"{self.field}: {self.old} → {self.new}"
