"""What the API's routes do, but for the search."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial

from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.answers import Answer, RefusedError, encode, invalid, ok
from unipile_sandbox.calls import Call, linkedin_session
from unipile_sandbox.links import read_link
from unipile_sandbox.profile import owner_profile
from unipile_sandbox.shapes import read_object
from unipile_sandbox.webhooks import read_webhook

DEFAULT_LIMIT = 100
MAX_LIMIT = 250


def read_account(call: Call) -> Answer:
    # Benchmarks come through here. Completing it later would cost twice as much.
    return Answer(200, _known(call), account_id=call.item, operation="account")


def delete_account(call: Call) -> Answer:
    _known(call)
    effect = partial(call.workspace.delete, call.item)
    return ok({"object": "AccountDeleted"}, effect=effect)


def _known(call: Call) -> bytes:
    try:
        return call.workspace.accounts.body(call.item)
    except UnknownAccountError:
        raise RefusedError(404, "resource_not_found") from None


def list_accounts(call: Call) -> Answer:
    accounts, listing = call.workspace.accounts, call.workspace.listing
    position, limit = _window(call)
    end = position + limit
    goes_on = end < len(accounts) or listing.endless
    body = accounts.page(position, limit, _cursor(end) if goes_on else None)
    return Answer(200, body, page=position // limit + 1)


def list_webhooks(call: Call) -> Answer:
    webhooks = call.workspace.webhooks.all()
    position, limit = _window(call)
    end = position + limit
    items = [webhook.as_json() for webhook in webhooks[position:end]]
    cursor = _cursor(end) if end < len(webhooks) else None
    return ok({"object": "WebhookList", "items": items, "cursor": cursor})


def create_webhook(call: Call) -> Answer:
    webhook = read_webhook(read_object(call.body))
    return ok(
        {"object": "WebhookCreated", "webhook_id": webhook.id},
        status=201,
        effect=partial(call.workspace.webhooks.add, webhook),
    )


def delete_webhook(call: Call) -> Answer:
    if call.item not in call.workspace.webhooks:
        raise RefusedError(404, "resource_not_found")
    effect = partial(call.workspace.webhooks.remove, call.item)
    return ok({"object": "WebhookDeleted"}, effect=effect)


def create_link(call: Call) -> Answer:
    link = read_link(read_object(call.body))
    if link.reconnect_account and link.reconnect_account not in call.workspace.accounts:
        # Unipile declares no 404 for this route.
        raise invalid("reconnect_account is no account of this workspace.")
    return ok(
        # Unipile's schema spells it HostedAuthUrl.
        {"object": "HostedAuthURL", "url": call.base_url + link.path},
        effect=partial(call.workspace.links.add, link),
    )


def read_profile(call: Call) -> Answer:
    return Answer(200, encode(owner_profile(linkedin_session(call), call.workspace.plans)))


def _window(call: Call) -> tuple[int, int]:
    """Read where the list goes on and how many items a page has. Raises RefusedError."""
    parameters = call.parameters()
    text = parameters.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise invalid(f"limit must be an integer from 1 to {MAX_LIMIT}.")
    return _position(parameters["cursor"]) if "cursor" in parameters else 0, int(text)


def _cursor(position: int) -> str:
    return urlsafe_b64encode(b"position:%d" % position).decode()


def _position(cursor: str) -> int:
    try:
        position = int(urlsafe_b64decode(cursor).removeprefix(b"position:"))
    except ValueError:
        position = -1
    if position < 0 or _cursor(position) != cursor:
        raise invalid("cursor is not one that this list has given.")
    return position
