"""What a newcomer does first: opens GraphiQL in a browser, types a query, runs it, reads the answer. No internet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from embeddings.release import Release, publish
from gql.graphiql.page import DIST, EXAMPLES, read_examples
from graph.settings import Home
from tests.api.serving import Server, running
from tests.graphs import tiny_snapshot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REQUIRED = os.environ.get("TASTEGRAPH_REQUIRE_BROWSER") == "1"
WAIT_MS = 60_000
QUERY = '{ pin(key: "rose") { title relatedPins(first: 1) { source } } }'


def missing(what: str) -> None:
    """Skips, or fails where a browser is required."""
    if REQUIRED:
        pytest.fail(f"{what}, and TASTEGRAPH_REQUIRE_BROWSER=1", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        missing("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        try:
            # Its sandbox needs rights that containers rarely give; the only pages it opens are ours.
            browser = playwright.chromium.launch(
                executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except Error as error:
            missing(f"Chromium does not start: {str(error).splitlines()[0]}")
            raise
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    if not (DIST / "manifest.json").is_file():
        missing("GraphiQL was not built: make setup")
    home = Home(tmp_path_factory.mktemp("home"))
    snapshot = tiny_snapshot(home.path)
    publish(home, Release("20240601T000000Z-aaaaaa", "2024-06-01T00:00:00Z", snapshot.version, {}))
    with running(home) as server:
        yield server


class Visit:
    """A page that was opened, and what went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self.hosts: set[str | None] = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._request)
        page.on("requestfailed", lambda request: self.problems.append(f"{request.url}: {request.failure}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob"):
            self.hosts.add(urlsplit(request.url).hostname)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Generator[Visit]:
    with browser.new_context() as context:
        context.set_default_timeout(WAIT_MS)
        visit = Visit(context.new_page())
        visit.page.goto(server.url, wait_until="networkidle")
        yield visit


def type_query(page: Page, query: str) -> None:
    editor = page.locator(".graphiql-query-editor .monaco-editor").first
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    # Pasted, as people do with a query from a page: typed letter by letter the editor would close brackets itself.
    page.keyboard.insert_text(query)
    # GraphiQL learns the operation's name a tenth of a second after an edit, and would send the old one before.
    page.wait_for_timeout(1_000)


def answer(page: Page) -> str:
    return page.locator(".graphiql-response .view-lines").inner_text().replace("\xa0", " ")


def test_a_query_is_typed_run_and_its_answer_read(visit: Visit, tmp_path: Path):
    page = visit.page
    type_query(page, QUERY)
    page.get_by_role("button", name="Execute query").click()
    expect(page.locator(".graphiql-response")).to_contain_text("Climbing rose", timeout=WAIT_MS)
    assert '"source": "WALK"' in answer(page)
    assert visit.hosts == {"127.0.0.1"}, "a request left the machine"
    assert visit.problems == []


def test_the_examples_are_there_as_tabs(visit: Visit):
    examples = read_examples(EXAMPLES)
    tabs = visit.page.get_by_role("tab")
    expect(tabs).to_have_count(len(examples), timeout=WAIT_MS)
    assert visit.problems == []


def test_the_editor_knows_the_schema(visit: Visit):
    """A field that is not there is marked, by the schema that the page has asked for itself."""
    page = visit.page
    type_query(page, "{ nothingOfThisName }")
    expect(page.locator(".graphiql-query-editor .squiggly-error").first).to_be_attached(timeout=WAIT_MS)
    assert visit.problems == []


def test_an_error_is_shown_with_its_code(visit: Visit):
    page = visit.page
    type_query(page, '{ user(key: "ada", id: "x") { key } }')
    page.get_by_role("button", name="Execute query").click()
    expect(page.locator(".graphiql-response")).to_contain_text("BAD_USER_INPUT", timeout=WAIT_MS)
    refused = "Failed to load resource: the server responded with a status of 400"  # what Chromium says of any 400
    assert [problem for problem in visit.problems if not problem.startswith(refused)] == []
