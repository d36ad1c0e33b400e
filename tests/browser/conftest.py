"""Tests in a real Chromium, run when they are asked for: script/test tests/browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

Screenshot = Callable[[str], None]

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="Make the pictures of docs/ in this folder")


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests out of a run that does not name them: they need a browser."""
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # not needed by other tests

    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.exit("There is no Chromium on the PATH: apt-get install chromium", returncode=1)
    # Playwright runs an event loop in this thread, from which Django would not use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Page]:
    """A fresh window that leads to the admin, in which nothing may go wrong unseen."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 800}, locale="en-US"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser's own remarks depend on who was quicker, the page or the typing.
        if message.type != "info":
            wrong.append(f"{message.type}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def screenshot(page: Page, request: pytest.FixtureRequest) -> Screenshot:
    """Keep a picture of the page, if that was asked for."""
    folder: Path | None = request.config.getoption("--screenshots")

    def take(name: str) -> None:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            page.mouse.move(0, 0)
            height = page.evaluate("document.documentElement.scrollHeight")
            width = page.evaluate("document.documentElement.clientWidth")
            # Below that there are only more filters.
            clip: Any = {"x": 0, "y": 0, "width": width, "height": min(height, 1110)}
            page.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)

    return take
