from __future__ import annotations

from django.db import models


class WebhookContact(models.Model):
    """The one row that says when an event of Unipile's reached us last, to the minute."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    reached_at = models.DateTimeField()

    class Meta:
        db_table = "unipile_webhook_contact"

    def __str__(self) -> str:
        return self.reached_at.isoformat()
