from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from unipile_accounts.models.account import UnipileAccount

# The history calls these columns as the accounts' list does.
LISTED_AS = {"name": "display_name", "unipile_account_id": "provider_account_id"}


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
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="Whose account it was at that moment. Older entries do not tell.",
    )
    changed_at = models.DateTimeField(default=timezone.now)
    door = models.CharField(
        max_length=16, help_text="Where the change came in, such as api or command."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name="acting user",
    )
    changes = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text='Each changed value as [old, new], such as {"is_premium": [false, true]}.',
    )

    class Meta:
        db_table = "unipile_account_changes"
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"], name="unipile_change_account")]

    def __str__(self) -> str:
        return str(self.changes)
