"""The hosted page as a browser, or a person with curl, uses it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from unipile_sandbox import page
from unipile_sandbox.answers import Answer, error
from unipile_sandbox.links import HOSTED, Link
from unipile_sandbox.payloads import Payload
from unipile_sandbox.people import known_people, new_person
from unipile_sandbox.server import Request
from unipile_sandbox.workspace import Workspace

NEW = "new"


class LinkError(ValueError):
    """The page shows this error. `error_type` is Unipile's, such as errors/expired_link."""

    def __init__(self, status: int, error_type: str, sentence: str) -> None:
        super().__init__(f"{error_type}: {sentence}")
        self.status = status
        self.error_type = error_type
        self.sentence = sentence


def is_hosted(target: str) -> bool:
    return target.startswith(f"{HOSTED}/")


def answer(workspace: Workspace, request: Request) -> Answer:
    path = request.path.partition("?")[0].removeprefix(f"{HOSTED}/")
    token, _, action = path.partition("/")
    try:
        link = open_link(workspace, token)
        match request.method, action:
            case "GET", "":
                return page.choice(link, known_people(workspace.accounts).values())
            case "POST", "log-in":
                log_in(workspace, link, _chosen(workspace, link, request.body), {})
                return page.success(link)
            case "POST", "fail":
                return page.failure(link)
            case "POST", "close":
                return page.closed()
    except LinkError as exc:
        return page.problem(exc.status, exc.error_type, exc.sentence)
    return error(404, "There is no such page.")


def open_link(workspace: Workspace, token: str) -> Link:
    """Return the link. Raises LinkError when it is used, expired or unknown."""
    link = workspace.links.find(token)
    if link is None or not link.is_open:
        raise LinkError(401, "errors/expired_link", "This link has expired. Ask for a new one.")
    return link


def log_in(workspace: Workspace, link: Link, person: Payload, changes: dict[str, Any]) -> str:
    """Finish the link and return the account's id. LinkError means that nothing was changed."""
    outcome, account_id = workspace.finish_link(link, person, changes)
    if outcome == "wrong_account":
        sentence = "This is another LinkedIn member than the account's."
        raise LinkError(401, "errors/wrong_account", sentence)
    if outcome == "gone":
        raise LinkError(404, "errors/resource_not_found", "The account does not exist any more.")
    return account_id


def find_person(workspace: Workspace, link: Link, member_id: str | None) -> Payload | None:
    """Return that member, or else the one whose account the link reconnects."""
    if member_id is None and link.reconnect_account in workspace.accounts.ids():
        return workspace.accounts.get(str(link.reconnect_account))
    person = known_people(workspace.accounts).get(member_id or "")
    return person.payload if person else None


def _chosen(workspace: Workspace, link: Link, body: bytes) -> Payload:
    fields = {name: values[-1] for name, values in parse_qs(body.decode("latin-1")).items()}
    default = NEW if link.reconnect_account is None else None
    member_id = fields.get("person", default)
    if member_id == NEW:
        return new_person(fields.get("name", "").strip() or "Robin Sample")
    person = find_person(workspace, link, member_id)
    if person is None:
        raise LinkError(401, "errors/invalid_credentials", "There is no such member.")
    return person
