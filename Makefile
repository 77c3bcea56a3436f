# `make demo` and `make test` are all that a newcomer needs. Every target installs what it needs into ./.venv and ./build.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
PACKAGES := graph loaders embeddings recommend experiments gql pipeline tastegraph.py
export TASTEGRAPH_HOME ?= .tastegraph
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

VENV := .venv/.installed
GRAPHIQL := gql/graphiql/dist/manifest.json
NEO4J := build/neo4j/.installed
KAFKA := build/kafka/.installed
SPARK := .venv/.spark

.PHONY: help setup demo serve test test-slow check format secrets lock clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(VENV): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "tastegraph needs $(PYTHON); install it or set PYTHON=" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip install -q --require-hashes -r requirements/dev.txt
	$(UV) pip install -q --no-deps -e .
	touch $@

$(GRAPHIQL): $(filter-out %.py,$(wildcard gql/graphiql/*.* gql/graphiql/.npmrc))
	@command -v npm >/dev/null || { echo "GraphiQL is bundled with npm: install Node 20" >&2; exit 1; }
	cd gql/graphiql && npm ci --silent --no-audit --no-fund && node build.mjs
	@touch $@

$(NEO4J): tests/neo4j/pom.xml | $(VENV)
	@command -v mvn >/dev/null || { echo "the tests' Neo4j comes from Maven: install Maven and Java 17" >&2; exit 1; }
	$(BIN)/python -m tests.neo4j.jars
	touch $@

$(KAFKA): tests/kafka/pom.xml | $(VENV)
	@command -v mvn >/dev/null || { echo "the tests' Kafka comes from Maven: install Maven and Java 17" >&2; exit 1; }
	$(BIN)/python -m tests.kafka.jars
	touch $@

setup: $(VENV) $(GRAPHIQL)  ## one .venv with everything, GraphiQL bundled
	@$(BIN)/python -m recommend.compile

demo: setup  ## load a real graph, train on it, serve it (DEMO_SERVE=0: stop after one answer)
	$(BIN)/tastegraph demo

serve: setup  ## serve what is published
	$(BIN)/tastegraph serve

test: setup $(NEO4J) $(KAFKA)  ## every test but the slow ones, a real Neo4j, a real Kafka and a browser included
	mkdir -p build
	$(BIN)/python -m pytest -m "not slow" --junitxml=build/junit.xml

test-slow: setup $(NEO4J) $(KAFKA) $(SPARK)  ## kills, Spark and long runs
	mkdir -p build
	$(BIN)/python -m pytest -m slow --timeout=1200 --junitxml=build/junit-slow.xml

check: $(VENV)  ## lint, format, types, imports, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --stats | tail -n 20
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python scripts/check_tree.py

format: $(VENV)  ## write the formatter's opinion
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

secrets:  ## keys and the Neo4j password for compose, into .env (kept if there)
	@sh scripts/secrets.sh

$(SPARK): requirements/spark.txt | $(VENV)
	$(UV) pip install -q --require-hashes -r requirements/spark.txt
	touch $@

lock: $(VENV)  ## pin requirements/*.txt again
	$(UV) pip compile -q pyproject.toml --extra train --group dev --generate-hashes --no-emit-index-url --no-header -o requirements/dev.txt
	$(UV) pip compile -q pyproject.toml --extra train -c requirements/dev.txt --generate-hashes --no-emit-index-url --no-header -o requirements/train.txt
	$(UV) pip compile -q pyproject.toml --extra spark -c requirements/dev.txt --generate-hashes --no-emit-index-url --no-header -o requirements/spark.txt
	$(UV) pip compile -q pyproject.toml -c requirements/dev.txt --generate-hashes --no-emit-index-url --no-header -o requirements/serve.txt

bench-%: setup $(NEO4J)  ## benchmarks: bench-load, bench-train, bench-recommend, bench-serve, bench-live
	@test -f benchmarks/$(subst -,_,$*).py || { echo "there is no benchmark $*; see benchmarks/" >&2; exit 1; }
	@$(BIN)/python -m benchmarks.$(subst -,_,$*)

clean:  ## remove what was built; a home (.tastegraph) is kept
	rm -rf .venv build gql/graphiql/dist gql/graphiql/node_modules .pytest_cache .ruff_cache .hypothesis
