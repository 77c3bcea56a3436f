"""A real Neo4j Community server without containers, for tests and for local use.

- `pom.xml`: which server: its version and nothing else
- `jars.py`: the server's jars, fetched once
- `configuration.py`: neo4j.conf of a home folder
- `server.py`: Neo4jServer: start, stop, kill, admin commands; `python -m tests.neo4j.server` runs one
- `emptying.py`: a database back to nothing, between tests
"""
