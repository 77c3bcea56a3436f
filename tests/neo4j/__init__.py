"""A real Neo4j Community server without containers, for tests and for local use.

- `pom.xml`: which server: its version and nothing else
- `jars.py`: the server's jars, fetched once by Maven, and the java that runs them
- `configuration.py`: neo4j.conf of a home folder
- `tether.py`: a child process that can't outlive the one that started it
- `server.py`: Neo4jServer: start, stop, kill, admin commands; `python -m tests.neo4j.server` runs one
- `emptying.py`: a database back to nothing, between tests
"""
