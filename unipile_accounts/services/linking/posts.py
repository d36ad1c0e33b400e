"""What Unipile posts to us: who may, and what becomes of it."""

from __future__ import annotations

from django.core.exceptions import BadRequest, PermissionDenied
from django.utils.crypto import constant_time_compare

from unipile_accounts.conf import conf
from unipile_accounts.payloads.notice import HostedNotice, read_notice
from unipile_accounts.services.linking.events import handle_event
from unipile_accounts.services.linking.notices import handle_notice


def handle_post(body: bytes, *, secret: str) -> None:
    """Handle an event, which must carry our secret, or the notice of a link, which cannot.

    Raises `PermissionDenied`, `BadRequest` for what is neither, and what a refresh raises.
    """
    try:
        post = read_notice(body)
    except ValueError as exc:
        _authenticate(secret)
        raise BadRequest(str(exc)) from exc
    if isinstance(post, HostedNotice):
        handle_notice(post)
    else:
        _authenticate(secret)
        handle_event(post)


def _authenticate(secret: str) -> None:
    if not constant_time_compare(secret, conf.webhook_secret):
        raise PermissionDenied("The post does not carry our secret.")
