"""The GraphiQL page and its assets, as bytes that a server can mount.

GraphiQL is built from npm into `dist/` (build.mjs) and served by us, so that exploring needs no other host. This module
reads that folder and the example queries once, at start; it knows no web framework and never answers a request.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import cast

from graph.errors import CorruptFileError, InvalidInputError, NotFoundError

PACKAGE = Path(__file__).parent
EXAMPLES = PACKAGE / "examples"
DIST = PACKAGE / "dist"

# `'unsafe-inline'` for styles alone: Monaco places every line of text with a style attribute. No inline script, no eval,
# no other host, and no frame around a page that holds a person's token.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# Not `mimetypes`: what that answers depends on the machine.
_CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_TITLE = re.compile(r"\A\s*#\s*title:[ \t]*(?P<title>\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page. Its name holds the hash of its content, so it may be cached for ever."""

    content_type: str
    body: bytes
    gzip: bytes | None
    """The same body compressed; None where that gains nothing (fonts)."""
    sha256: str
    """Hex digest of `body`, for an ETag."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answers with: the document, and the files that it asks for."""

    html: bytes
    """The document. It names the endpoint and the examples: not to be cached."""
    assets: Mapping[str, Asset]
    """By file name, to be served under `assets_url`."""
    assets_url: str
    content_security_policy: str = CONTENT_SECURITY_POLICY
    """Value of the header to send with `html`; everything the page does works under it."""


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A tab of the page."""

    name: str
    query: str
    variables: str | None
    """JSON object, as its author laid it out."""


def load_page(
    endpoint: str,
    examples: Path = EXAMPLES,
    *,
    title: str = "tastegraph",
    headers: Mapping[str, str] | None = None,
    assets_url: str = "/graphiql/",
    dist: Path = DIST,
) -> Page:
    """Read the built page and fill in where the API is and which examples it opens with.

    `endpoint` is the path the page POSTs to, `headers` go with each of its requests (anyone who can read the page can
    read them), `assets_url` is where the caller mounts `Page.assets` and ends with a slash.

    Raises NotFoundError when the page was not built, CorruptFileError when the build is not whole, InvalidInputError when
    an example can't be used.
    """
    manifest = _read_manifest(dist)
    config = {
        "endpoint": endpoint,
        "title": title,
        "headers": dict(headers or {}),
        "defaultTabs": [_tab(example) for example in read_examples(examples)],
    }
    document = Template((PACKAGE / "index.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        endpoint=html.escape(endpoint),
        config=_json_for_script(config),
        **{part: html.escape(assets_url + manifest[part]) for part in ("script", "style", "icon")},
    )
    return Page(document.encode(), _read_assets(dist, manifest), assets_url)


def read_examples(folder: Path) -> list[ExampleQuery]:
    """The `*.graphql` files of `folder` in name order, each with the variables of its sibling `.json`, if any.

    A first line `# title: …` names an example; else its file does. Raises InvalidInputError.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"{folder}: no such folder of example queries; create it, or name another")
    queries = sorted(folder.glob("*.graphql"), key=lambda path: path.name)
    names = {path.stem for path in queries}
    orphans = sorted(path.name for path in folder.glob("*.json") if path.stem not in names)
    if orphans:
        raise InvalidInputError(f"{folder / orphans[0]}: variables without a query; add its .graphql or remove it")
    return [_read_example(path) for path in queries]


def _read_example(path: Path) -> ExampleQuery:
    query = _read_text(path).strip() + "\n"
    title = _TITLE.match(query)
    sibling = path.with_suffix(".json")
    return ExampleQuery(
        name=title["title"] if title else path.stem,
        query=query,
        variables=_read_variables(sibling) if sibling.exists() else None,
    )


def _read_variables(path: Path) -> str:
    text = _read_text(path).strip()
    try:
        variables: object = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"{path}: not JSON ({error}); correct the variables") from error
    if not isinstance(variables, dict):
        raise InvalidInputError(f"{path}: not a JSON object; write variables as {{name: value}}")
    return text


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _tab(example: ExampleQuery) -> dict[str, str]:
    tab = {"name": example.name, "query": example.query}
    return tab if example.variables is None else tab | {"variables": example.variables}


def _json_for_script(value: object) -> str:
    """JSON that an HTML parser can't mistake for the end of the script around it, whatever the strings hold."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _read_manifest(dist: Path) -> dict[str, str]:
    path = dist / "manifest.json"
    try:
        manifest: object = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(f"GraphiQL was not built ({path} is missing); run `make setup`") from error
    except ValueError as error:
        raise _not_whole(path) from error
    if not isinstance(manifest, dict):
        raise _not_whole(path)
    names = cast("dict[str, object]", manifest)
    parts = {part: name for part in ("script", "style", "icon") if isinstance(name := names.get(part), str)}
    if len(parts) < 3:
        raise _not_whole(path)
    return parts


def _read_assets(dist: Path, manifest: Mapping[str, str]) -> Mapping[str, Asset]:
    files = sorted(path for path in (dist / "assets").glob("*") if path.suffix in _CONTENT_TYPES)
    assets = {path.name: _read_asset(path) for path in files}
    for name in manifest.values():
        if name not in assets:
            raise _not_whole(dist / "assets" / name)
    return MappingProxyType(assets)


def _read_asset(path: Path) -> Asset:
    body = path.read_bytes()
    compressed = path.with_name(f"{path.name}.gz")
    return Asset(
        content_type=_CONTENT_TYPES[path.suffix],
        body=body,
        gzip=compressed.read_bytes() if compressed.exists() else None,
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _not_whole(path: Path) -> CorruptFileError:
    return CorruptFileError(f"GraphiQL's build is not whole (at {path}); run `make setup` again")
