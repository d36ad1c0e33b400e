"""The HTML of the hosted page."""

from __future__ import annotations

from collections.abc import Collection
from html import escape

from unipile_sandbox.answers import Answer
from unipile_sandbox.links import Link
from unipile_sandbox.people import Person

HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
label { display: block; padding: .35rem 0 } small { color: #555 }
fieldset { border: 1px solid #ccc; border-radius: .5rem; max-height: 20rem; overflow: auto }
button { font: inherit; padding: .4rem 1.2rem; margin: 1rem .5rem 0 0 }
"""
CHECKED = " checked"
NEW_PERSON = """<label><input type="radio" name="person" value="new"{}> A new person
<input name="name" value="Robin Sample" aria-label="Name of the new person"></label>"""


def choice(link: Link, people: Collection[Person]) -> Answer:
    """Show the people who can log in, the likely one first, and three ways to go on."""
    target = link.reconnect_account
    likely = [person for person in people if target in person.account_ids]
    others = [person for person in people if target not in person.account_ids]
    options = [
        *(_option(person, CHECKED) for person in likely),
        NEW_PERSON.format("" if likely else CHECKED),
        *(_option(person) for person in others),
    ]
    title = "Connect LinkedIn" if target is None else f"Reconnect {target}"
    body = f"""
<p>This is the sandbox in Unipile's place. Nobody here is real. Who logs in?</p>
<form method="post" action="{escape(link.path)}/log-in">
<fieldset><legend>LinkedIn member</legend>{"".join(options)}</fieldset>
<button>Log in</button>
<button formaction="{escape(link.path)}/fail">Fail</button>
<button formaction="{escape(link.path)}/close">Close</button>
</form>"""
    return _page(200, title, body)


def _option(person: Person, checked: str = "") -> str:
    connected = f"connected as {', '.join(person.account_ids)}" if person.account_ids else ""
    return (
        f'<label><input type="radio" name="person" value="{escape(person.member_id)}"{checked}> '
        f"{escape(person.name)} <small>{escape(connected)}</small></label>"
    )


def success(link: Link) -> Answer:
    """Send the browser back, at once or by a button as without bypass_success_screen."""
    url = link.success_redirect_url
    if url is None:
        return _page(200, "Connected", "<p>You can close this page.</p>")
    if link.bypass_success_screen:
        return redirect(url)
    return _page(200, "Connected", f'<p><a href="{escape(url)}">Continue</a></p>')


def failure(link: Link) -> Answer:
    url = link.failure_redirect_url
    return redirect(url) if url else problem(401, "errors/invalid_credentials", "Login failed.")


def closed() -> Answer:
    return _page(200, "Closed", "<p>Nobody is told that this page was closed.</p>")


def problem(status: int, error_type: str, sentence: str) -> Answer:
    body = f"<p>{escape(sentence)}</p><p><code>{escape(error_type)}</code></p>"
    return _page(status, "This does not work", body)


def redirect(url: str) -> Answer:
    # Add no parameter, because the return proves nothing.
    return Answer(303, b"", {"Location": url})


def _page(status: int, title: str, body: str) -> Answer:
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>{STYLE}</style></head>
<body><h1>{escape(title)}</h1>{body}</body></html>
"""
    return Answer(status, text.encode("utf-8", "replace"), HTML)
