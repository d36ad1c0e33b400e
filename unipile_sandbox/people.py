"""The LinkedIn members who can log in on the hosted page. All of them are invented."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from unipile_sandbox.accounts import AccountStore
from unipile_sandbox.payloads import Payload, linkedin_account
from unipile_sandbox.plans import member_of

SHOWN = 200
# Nobody has connected these yet.
STRANGERS = ("Hanne Vestermark", "Jonas Quillfeather", "Amara Lindqvist-Example")


@dataclass
class Person:
    """A member, as he was when last seen, and the accounts through which he is connected."""

    payload: Payload
    account_ids: list[str] = field(default_factory=list)

    @property
    def member_id(self) -> str:
        return member_of(self.payload)

    @property
    def name(self) -> str:
        return str(self.payload.get("name") or "")


def known_people(accounts: AccountStore) -> dict[str, Person]:
    """Return connected members, former ones and some strangers by their id."""
    people: dict[str, Person] = {}
    for payload in accounts.newest(SHOWN):
        if payload.get("type") == "LINKEDIN":
            person = people.setdefault(member_of(payload), Person(payload))
            person.account_ids.append(str(payload["id"]))
    for payload in (*accounts.former(SHOWN), *map(new_person, STRANGERS)):
        if payload.get("type") == "LINKEDIN":
            people.setdefault(member_of(payload), Person(payload))
    return people


def new_person(name: str, member_id: str | None = None) -> Payload:
    """Make the payload of a member of this name. A stranger's is always the same."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "someone"
    slug = slug.removesuffix("-example") + "-example"
    if name in STRANGERS:
        member_id = f"ACoAAB{STRANGERS.index(name):0>30}XYZ"
    # 39 characters, as LinkedIn's own are.
    member_id = member_id or f"ACoAAB{secrets.token_hex(17)[:33]}"
    return linkedin_account(
        f"former-{member_id}", member_id=member_id, name=name, public_identifier=slug
    )
