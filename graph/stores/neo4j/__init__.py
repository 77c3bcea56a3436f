"""The record in Neo4j 5.26 or later, over Bolt: the only package that imports the driver.

- `store.py`: the ports, each call one transaction
- `driver.py`: connections, deadlines, errors; `refusals.py`: what the server says, as one line for a person
- `cypher/`: every query; `migrations/`: constraints and indexes, applied by `migrate.py`
- `nodes.py`, `edges.py`, `events.py`, `stored.py`, `loads.py`: what happens within a writing transaction; `inflight.py`: what
  keeps two of them from claiming one event id
- `reader.py`, `exporter.py`, `health.py`: what is read back; `runs.py`: how all of it is
"""
