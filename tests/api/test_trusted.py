"""Trusted documents: what a manifest takes in, and what a server in production answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gql.trusted import TrustedDocuments, hash_of
from graph.errors import CorruptFileError, InvalidInputError
from graph.settings import Home
from tests.api.conftest import Serve
from tests.commands import run

FILM = """query Film($key: String!) { pin(key: $key) { ...Shown } }"""
SHOWN = "fragment Shown on Pin { title ...Keyed }\nfragment Keyed on Pin { key }\nfragment Unused on Pin { id }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    (folder / "parts").mkdir(parents=True)
    (folder / "film.graphql").write_text(FILM)
    (folder / "parts" / "shown.graphql").write_text(SHOWN)
    return folder


@pytest.fixture
def manifest(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(capsys, "documents", "build", folder, "--out", tmp_path / "documents.json").code == 0
    return tmp_path / "documents.json"


def named(hash_: str, **more: Any) -> dict[str, Any]:
    return {"variables": {"key": "fern"}, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}, **more}


def the_only(manifest: Path) -> tuple[str, str]:
    ((hash_, text),) = TrustedDocuments.open(manifest).by_hash.items()
    return hash_, text


def test_a_document_has_the_fragments_that_it_needs_and_no_others(manifest: Path):
    _, text = the_only(manifest)
    assert "fragment Shown" in text
    assert "fragment Keyed" in text
    assert "Unused" not in text


async def test_production_answers_its_documents_by_hash_or_text_and_nothing_else(
    serve: Serve, tiny_home: Home, manifest: Path
):
    asker = await serve(tiny_home, mode="production", documents=manifest)
    hash_, text = the_only(manifest)

    async def post(body: dict[str, Any]) -> dict[str, Any]:
        return await (await asker.client.post("/graphql", json=body)).json()

    expected = {"pin": {"title": "Fern in the shade", "key": "fern"}}
    assert (await post(named(hash_)))["data"] == expected
    assert (await post(named(hash_.upper())))["data"] == expected
    assert (await post({"query": text, "variables": {"key": "fern"}}))["data"] == expected
    others = ["{ __schema { types { name } } }", '{ pin(key: "fern") { title } }', text + " ", "{ pinn }", "{"]
    for query in others:
        for body in ({"query": query}, named(hash_of(query), query=query)):
            answer = await post(body)
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["DOCUMENT_NOT_TRUSTED"]
    page = await asker.client.get("/graphql", headers={"Accept": "text/html"})
    assert page.content_type == "application/json"


async def test_development_answers_everything_and_checks_hashes(serve: Serve, tiny_home: Home, manifest: Path):
    asker = await serve(tiny_home, documents=manifest)
    hash_, _ = the_only(manifest)
    query = "{ __typename }"
    for body, code in (
        (named(hash_), None),
        (named(hash_of(query), query=query), None),
        (named("0" * 64, query=query), "BAD_REQUEST"),
        (named("0" * 64), "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": hash_}}}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": hash_}}, "BAD_REQUEST"),
    ):
        answer = await (await asker.client.post("/graphql", json=body)).json()
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        assert codes == ([] if code is None else [code])


async def test_a_hash_is_found_in_a_url_too(serve: Serve, tiny_home: Home, manifest: Path):
    asker = await serve(tiny_home, mode="production", documents=manifest)
    hash_, _ = the_only(manifest)
    given = {name: orjson.dumps(value).decode() for name, value in named(hash_).items()}
    answer = await (await asker.client.get("/graphql", params=given)).json()
    assert answer["data"]["pin"]["key"] == "fern"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query A { pin(key: 1) { title } }", "film.graphql:1: A does not fit the schema"),
        ("{ service { version } }", "film.graphql:1: an operation has no name"),
        ("query A {\n", "film.graphql:2: Syntax Error"),
        ("query Film { __typename }\nquery Film { __typename }", "film.graphql:2: there is a Film already"),
        ('query A { pin(key: "x") { ...Gone } }', "Unknown fragment"),
    ],
)
def test_what_can_not_be_built_is_told_with_its_place(folder: Path, tmp_path: Path, text: str, said: str, capsys: Any):
    (folder / "film.graphql").write_text(text)
    done = run(capsys, "documents", "build", folder, "--out", tmp_path / "out.json")
    assert done.code == InvalidInputError.exit_code
    assert said in done.said
    assert not (tmp_path / "out.json").exists()


def test_production_needs_a_whole_manifest(
    tiny_home: Home, manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tiny_home.path))
    monkeypatch.setenv("TASTEGRAPH_SERVE_MODE", "production")
    assert "documents build" in run(capsys, "serve", "--port", "0").said
    manifest.write_bytes(manifest.read_bytes().replace(b"title", b"titel"))
    with pytest.raises(CorruptFileError, match="hashes"):
        TrustedDocuments.open(manifest)
    monkeypatch.setenv("TASTEGRAPH_SERVE_DOCUMENTS", str(manifest))
    assert "no manifest of documents" in run(capsys, "serve", "--port", "0").said
