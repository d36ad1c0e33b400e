"""What Unipile posts to us: who may, and what becomes of it."""

from __future__ import annotations

from django.utils.crypto import constant_time_compare

from unipile_accounts.conf import conf
from unipile_accounts.exceptions import EventsNotWanted, InvalidPost, PostRefused
from unipile_accounts.payloads.notice import HostedNotice, read_notice
from unipile_accounts.services.events import handle_event
from unipile_accounts.services.notices import handle_notice


def handle_post(body: bytes, *, secret: str) -> None:
    """Handle an event, which must carry our secret, or the notice of a link, which cannot.

    Raises `EventsNotWanted`, `PostRefused`, `InvalidPost`, and what a refresh raises.
    """
    wanted = conf.webhook_secret
    is_known = bool(wanted) and constant_time_compare(secret, wanted)
    try:
        post = read_notice(body)
    except ValueError as exc:
        raise (InvalidPost if is_known or not wanted else PostRefused)(str(exc)) from exc
    if isinstance(post, HostedNotice):
        handle_notice(post)
    elif not wanted:
        raise EventsNotWanted("UNIPILE_WEBHOOK_SECRET is not set.")
    elif not is_known:
        raise PostRefused("An event came without our secret.")
    else:
        handle_event(post)
