"""Takes the picture of GraphiQL for the docs, with the README's query: `python -m tests.e2e.screenshot HOME PICTURE`.

HOME is one that `tastegraph demo` made, PICTURE is docs/images/graphiql.png.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from graph.settings import Home
from pipeline.demo import serving
from tests.e2e.test_graphiql import type_query
from tests.e2e.test_readme import block

WAIT_MS = 60_000


def take(home: Path, picture: Path) -> None:
    """Opens GraphiQL, runs the README's query, and saves what is to be seen."""
    with serving(Home(home)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 820})
        page.goto(f"{address}/graphql", wait_until="networkidle")
        page.get_by_role("button", name="New tab").click()
        # In one line, as the editor would close brackets at the ends of others; then laid out by GraphiQL itself.
        type_query(page, " ".join(block("query", "graphql").split()))
        page.get_by_role("button", name="Prettify").click()
        page.get_by_role("button", name="Execute query").click()
        expect(page.locator(".graphiql-response")).to_contain_text("Return of the Jedi", timeout=WAIT_MS)
        page.wait_for_timeout(1_000)
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
