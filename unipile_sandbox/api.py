"""Routes of Unipile's API.

https://developer.unipile.com/reference/accountscontroller_listaccounts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from unipile_sandbox import endpoints, search
from unipile_sandbox.answers import Answer, Operation, RefusedError, error
from unipile_sandbox.calls import Call
from unipile_sandbox.server import Request
from unipile_sandbox.workspace import Workspace

ROOT = "/api/v1"
Handler = Callable[[Call], Answer]
Methods = Mapping[str, tuple[Operation, Handler]]

COLLECTIONS: Mapping[str, Methods] = {
    f"{ROOT}/accounts": {"GET": ("list", endpoints.list_accounts)},
    f"{ROOT}/webhooks": {
        "GET": ("webhooks", endpoints.list_webhooks),
        "POST": ("webhooks", endpoints.create_webhook),
    },
    f"{ROOT}/hosted/accounts/link": {"POST": ("link", endpoints.create_link)},
    f"{ROOT}/users/me": {"GET": ("profile", endpoints.read_profile)},
    f"{ROOT}/linkedin/search": {"POST": ("search", search.search)},
    f"{ROOT}/linkedin/search/parameters": {"GET": ("parameters", search.list_parameters)},
}
ITEMS: Mapping[str, Methods] = {
    f"{ROOT}/accounts": {
        "GET": ("account", endpoints.read_account),
        "DELETE": ("delete", endpoints.delete_account),
    },
    f"{ROOT}/webhooks": {"DELETE": ("webhooks", endpoints.delete_webhook)},
}


def answer(request: Request, *, workspace: Workspace, base_url: str, api_key: str) -> Answer:
    path, _, query = request.path.partition("?")
    # Split before decoding, because an id may hold an encoded slash.
    folder, _, quoted_id = path.rpartition("/")
    methods, item = COLLECTIONS.get(path), ""
    if methods is None:
        methods, item = ITEMS.get(folder), unquote(quoted_id)
    if methods is None:
        return error(404, "There is no such route.")
    if request.headers.get("x-api-key") != api_key:
        return error(401)
    if request.method not in methods:
        return error(405, headers={"Allow": ", ".join(methods)})
    operation, handler = methods[request.method]
    call = Call(workspace, base_url, query, request.body, item)
    try:
        made = handler(call)
    except RefusedError as exc:
        made = Answer(exc.status, exc.body)
    if made.operation:
        return made
    return made._replace(operation=operation, account_id=call.account_id(operation))
