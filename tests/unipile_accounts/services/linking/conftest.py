from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from unipile_accounts.models import AccountChange, ConnectLink, UnipileAccount
from unipile_accounts.payloads.webhook import LinkNotice
from unipile_sandbox import Sandbox, linkedin_account

M1, M2 = "ACoAAB-member-one", "ACoAAB-member-two"


def at_unipile(sandbox: Sandbox, member: str = M1, **changes: Any) -> str:
    """Have an account there that was made a moment ago, and return its id."""
    fields = {"status": changes.pop("status", "OK")}
    payload = linkedin_account(im={"id": member}, **changes)
    payload["created_at"] = datetime.now(UTC).isoformat()
    unipile_id = sandbox.add(payload)
    sandbox.update(unipile_id, **fields)
    return unipile_id


def a_row(user: User, sandbox: Sandbox, member: str = M1, **row: Any) -> UnipileAccount:
    """Store a row of a member, whose account is at Unipile."""
    row.setdefault("linkedin_id", member)
    row.setdefault("answered_at", timezone.now())
    unipile_id = row.pop("unipile_account_id", "") or at_unipile(sandbox, member)
    return UnipileAccount.objects.create(user=user, unipile_account_id=unipile_id, **row)


def a_link(user: User, account: UnipileAccount | None = None, **link: Any) -> ConnectLink:
    link.setdefault("expires_at", timezone.now() + timedelta(hours=1))
    return ConnectLink.objects.create(user=user, account=account, **link)


def a_claim(user: User, unipile_id: str, **link: Any) -> ConnectLink:
    """Have a link whose claim nobody has finished."""
    link.setdefault("claimed_at", timezone.now())
    return a_link(user, claimed_account_id=unipile_id, **link)


def notice(link: ConnectLink, unipile_id: str, status: str = "CREATION_SUCCESS") -> LinkNotice:
    name = signing.dumps(link.pk.hex, salt="unipile_accounts.connect_link")
    return LinkNotice(status, unipile_id, name)


def is_at_unipile(sandbox: Sandbox, unipile_id: str) -> bool:
    try:
        sandbox.get(unipile_id)
    except KeyError:
        return False
    return True


def history(account: Any) -> list[dict[str, Any]]:
    entries = AccountChange.objects.filter(account=account).order_by("id")
    return [entry.changes for entry in entries]
