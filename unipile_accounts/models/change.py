from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from unipile_accounts.models.account import UnipileAccount


class AccountChange(models.Model):
    """One write that changed an account, by the names of the accounts' list.

    The history outlives the account and its owner, so no foreign key is enforced.
    """

    account = models.ForeignKey(
        UnipileAccount,
        on_delete=models.DO_NOTHING,
        related_name="changes",
        db_index=False,
        db_constraint=False,
        verbose_name=_("account"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("owner"),
        help_text=_("Whose account it was at that moment. Older entries do not tell."),
    )
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    door = models.CharField(
        _("door"), max_length=16, help_text=_("Where the change came in, such as api or command.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("acting user"),
    )
    changes = models.JSONField(
        _("changes"),
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text=_('Each changed value as [old, new], such as {"is_premium": [false, true]}.'),
    )

    class Meta:
        db_table = "unipile_account_changes"
        verbose_name = _("account change")
        verbose_name_plural = _("account changes")
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"], name="unipile_change_account")]

    def __str__(self) -> str:
        changes: dict[str, list[Any]] = self.changes
        return ", ".join(f"{name}: {old} → {new}" for name, (old, new) in changes.items())
