"""What a person finds when the GraphiQL page opens: the examples as tabs, and nothing that an example can break."""

from __future__ import annotations

import gzip
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gql.graphiql.page import EXAMPLES, Page, load_page
from graph.errors import CorruptFileError, InvalidInputError, NotFoundError


class _Document(HTMLParser):
    """The document as a browser's tokenizer sees it: script elements end at the first `</script`."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open = ""
        self.feed(page.html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._open = attributes.get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.text[self._open] = self.text.get(self._open, "") + data

    @property
    def config(self) -> dict[str, Any]:
        return json.loads(self.text["tastegraph-graphiql"])


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    assets = folder / "assets"
    assets.mkdir(parents=True)
    for name in ("graphiql-A.js", "graphiql-B.css", "favicon-C.svg"):
        (assets / name).write_text(f"/* {name} */")
        (assets / f"{name}.gz").write_bytes(gzip.compress(f"/* {name} */".encode()))
    (assets / "font-D.woff2").write_bytes(b"wOF2")
    manifest = {"script": "graphiql-A.js", "style": "graphiql-B.css", "icon": "favicon-C.svg"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    folder.mkdir()
    return folder


def tabs(page: Page) -> list[dict[str, str]]:
    return _Document(page).config["defaultTabs"]


def test_examples_open_as_tabs_in_name_order(dist: Path, examples: Path) -> None:
    for name in ("30-c", "10-a", "20-b"):
        (examples / f"{name}.graphql").write_text("{ service { version } }\n")
    (examples / "notes.txt").write_text("not an example")
    assert [tab["name"] for tab in tabs(load_page("/graphql", examples, dist=dist))] == ["10-a", "20-b", "30-c"]


@pytest.mark.parametrize(
    ("first_line", "name"),
    [
        ("# title: Related pins, and why", "Related pins, and why"),
        ("#title:Feed  ", "Feed"),
        ("# Title: Suche über Titel", "Suche über Titel"),
        ("# title:", "example"),
        ("# a title: that is none", "example"),
    ],
)
def test_a_leading_title_comment_names_the_tab(dist: Path, examples: Path, first_line: str, name: str) -> None:
    (examples / "example.graphql").write_text(f"{first_line}\n# title: not this one\n{{ __typename }}\n")
    (tab,) = tabs(load_page("/graphql", examples, dist=dist))
    assert tab["name"] == name
    assert "{ __typename }" in tab["query"]


def test_variables_come_from_the_sibling_json_as_they_were_laid_out(dist: Path, examples: Path) -> None:
    (examples / "a.graphql").write_text("query A($pin: String!) { pin(key: $pin) { id } }")
    (examples / "a.json").write_text('{\n  "pin": "50"\n}\n')
    (examples / "b.graphql").write_text("{ __typename }")
    with_variables, without = tabs(load_page("/graphql", examples, dist=dist))
    assert with_variables["variables"] == '{\n  "pin": "50"\n}'
    assert "variables" not in without


def test_no_text_of_ours_breaks_out_of_the_script_element(dist: Path, examples: Path) -> None:
    hostile = (
        '# title: </script><img src=x onerror=alert(1)>\nquery Q { a(b: "</ScRiPt ><!--<script>\u2028$config&amp;") }'
    )
    (examples / "a.graphql").write_text(hostile)
    (examples / "a.json").write_text('{"x": "</script><script>alert(1)</script>"}')
    page = load_page("/graphql", examples, title="</title><script>alert(1)</script>", dist=dist)
    document = _Document(page)
    assert [tag for tag, _ in document.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in document.tags]
    assert document.text["title"] == "</title><script>alert(1)</script>"
    assert document.config["title"] == "</title><script>alert(1)</script>"
    (tab,) = document.config["defaultTabs"]
    assert tab["query"] == hostile + "\n"
    assert tab["variables"] == '{"x": "</script><script>alert(1)</script>"}'


def test_the_document_names_the_endpoint_and_the_assets_it_comes_with(dist: Path, examples: Path) -> None:
    page = load_page("/api/graphql", examples, headers={"x-a": "b"}, assets_url="/static/", dist=dist)
    document = _Document(page)
    assert document.config["endpoint"] == "/api/graphql"
    assert document.config["headers"] == {"x-a": "b"}
    addresses = {attrs.get("src") or attrs.get("href") for tag, attrs in document.tags if tag in ("script", "link")}
    addresses.discard(None)
    assert addresses == {f"/static/{name}" for name in ("graphiql-A.js", "graphiql-B.css", "favicon-C.svg")}
    assert addresses <= {page.assets_url + name for name in page.assets}


def test_every_script_is_a_file_so_that_the_policy_can_forbid_inline_ones(dist: Path, examples: Path) -> None:
    page = load_page("/graphql", examples, dist=dist)
    scripts = [attrs for tag, attrs in _Document(page).tags if tag == "script"]
    assert all("src" in attrs or attrs.get("type") == "application/json" for attrs in scripts)
    directives = dict(part.split(" ", 1) for part in page.content_security_policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "http" not in page.content_security_policy


def test_assets_carry_type_hash_and_a_gzip_copy_of_text(dist: Path, examples: Path) -> None:
    assets = load_page("/graphql", examples, dist=dist).assets
    assert set(assets) == {"graphiql-A.js", "graphiql-B.css", "favicon-C.svg", "font-D.woff2"}
    script = assets["graphiql-A.js"]
    assert script.content_type.startswith("text/javascript")
    assert script.sha256 == hashlib.sha256(script.body).hexdigest()
    assert script.gzip is not None
    assert gzip.decompress(script.gzip) == script.body
    assert assets["font-D.woff2"].content_type == "font/woff2"
    assert assets["font-D.woff2"].gzip is None


def test_an_unbuilt_page_says_what_to_run(tmp_path: Path, examples: Path) -> None:
    with pytest.raises(NotFoundError, match="run `make setup`") as error:
        load_page("/graphql", examples, dist=tmp_path / "nowhere")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "damage", ["not json", "[]", '{"script": "graphiql-A.js"}', '{"script": 1, "style": 2, "icon": 3}']
)
def test_a_damaged_manifest_is_refused(dist: Path, examples: Path, damage: str) -> None:
    (dist / "manifest.json").write_text(damage)
    with pytest.raises(CorruptFileError, match="make setup"):
        load_page("/graphql", examples, dist=dist)


def test_a_build_that_lost_its_script_is_refused(dist: Path, examples: Path) -> None:
    (dist / "assets" / "graphiql-A.js").unlink()
    with pytest.raises(CorruptFileError, match=r"graphiql-A\.js"):
        load_page("/graphql", examples, dist=dist)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[1]", "not a JSON object"),
        ("a.json", b'{"x": "\xff"}', "not UTF-8"),
        ("a.graphql", b"\xff", "not UTF-8"),
        ("b.json", b"{}", "variables without a query"),
    ],
)
def test_an_example_that_cannot_be_used_is_named(
    dist: Path, examples: Path, file: str, content: bytes, complaint: str
) -> None:
    (examples / "a.graphql").write_text("{ __typename }")
    (examples / file).write_bytes(content)
    with pytest.raises(InvalidInputError, match=complaint) as error:
        load_page("/graphql", examples, dist=dist)
    assert file in str(error.value)


def test_a_missing_folder_of_examples_is_refused(dist: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such folder"):
        load_page("/graphql", tmp_path / "nowhere", dist=dist)


def test_our_own_examples_have_titles_and_name_their_operation(dist: Path) -> None:
    # GraphiQL labels a tab by its operation's name; without one it reads `<untitled>`.
    own = tabs(load_page("/graphql", dist=dist))
    assert own
    stems = {path.stem for path in EXAMPLES.glob("*.graphql")}
    for tab in own:
        assert tab["name"] not in stems
        assert any(line.startswith(("query ", "mutation ", "subscription ")) for line in tab["query"].splitlines())
