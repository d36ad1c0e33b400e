"""What is wrong with a page as it is shown."""

from __future__ import annotations

from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page, *parts: str) -> list[tuple[str, str]]:
    """Return the rule and the markup of everything that axe-core objects to, in these parts."""
    page.wait_for_load_state()
    context = {"include": [[part] for part in parts or ["html"]]}
    return [
        (violation["id"], node["html"])
        for violation in Axe().run(page, context)["violations"]
        for node in violation["nodes"]
    ]


def overflow(page: Page, selector: str) -> int:
    """Return by how many pixels the content is wider than what shows it."""
    return int(page.locator(selector).evaluate("it => it.scrollWidth - it.clientWidth"))
