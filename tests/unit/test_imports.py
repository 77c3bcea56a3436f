"""Which file may import which library: the table of ARCHITECTURE.md, read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("graph", "loaders", "embeddings", "recommend", "experiments", "gql", "pipeline")

ALLOWED: dict[str, tuple[str, ...]] = {
    "torch": tuple(
        f"embeddings/{name}.py" for name in ("dataset", "heterograph", "sampling", "model", "loss", "train")
    ),
    "dgl": tuple(f"embeddings/{name}.py" for name in ("dataset", "heterograph", "sampling", "model", "loss", "train")),
    "neo4j": ("graph/stores/neo4j/",),
    "aiokafka": ("graph/eventlog/kafka.py", "loaders/sources/"),
    "faiss": ("embeddings/index.py",),
    "usearch": ("embeddings/index.py",),
    "pyspark": ("loaders/spark.py",),
    "strawberry": ("gql/",),
    "aiohttp": ("gql/", "pipeline/simulate.py"),
    "numba": ("graph/", "recommend/"),
    "polars": ("loaders/", "embeddings/", "pipeline/"),
    "networkx": ("graph/", "embeddings/", "pipeline/"),
    "sqlite3": ("graph/stores/sqlite/", "graph/eventlog/sqlite.py"),
}


def modules() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "node_modules" not in path.parts
    ]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("library", ALLOWED)
def test_a_library_is_imported_only_where_the_table_says(library: str) -> None:
    strangers = [
        name
        for path in modules()
        if library in imported(path) and not (name := path.relative_to(ROOT).as_posix()).startswith(ALLOWED[library])
    ]
    assert strangers == []


@pytest.mark.parametrize("module", ["gql.cli", "gql.server", "recommend.feed", "loaders.cli", "tastegraph"])
def test_serving_and_loading_never_import_the_training_libraries(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'torch', 'dgl', 'sklearn', 'matplotlib', 'implicit'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
