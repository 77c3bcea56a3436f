#!/bin/sh
# Writes .env for compose: random keys and a password, readable by the owner only. Keeps a file that is there.
set -eu
if [ -e .env ]; then
  echo ".env is there already; delete it to make new secrets (a Neo4j volume keeps its old password)" >&2
  exit 0
fi
umask 077
key() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }
temporary=$(mktemp .env.XXXXXX)
{
  echo "NEO4J_USERNAME=neo4j"
  echo "NEO4J_PASSWORD=$(key)"
  echo "TASTEGRAPH_API_KEY=$(key)"
  echo "TASTEGRAPH_CURSOR_KEY=$(key)"
  echo "TASTEGRAPH_RECEIPT_KEY=$(key)"
  echo "TASTEGRAPH_TOMBSTONE_KEY=$(key)"
} > "$temporary"
mv "$temporary" .env
echo "wrote .env" >&2
