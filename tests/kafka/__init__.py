"""A real Kafka broker without containers, for tests and for local use.

- `pom.xml`: which broker: its version and nothing else
- `jars.py`: the broker's jars, fetched once
- `configuration.py`: server.properties of a home folder
- `broker.py`: KafkaBroker: start, stop, kill; `python -m tests.kafka.broker` runs one
- `topics.py`: topics made, filled and removed, by plain calls
- `fixtures.py`: `kafka_broker`, the run's one broker, and `kafka_topic`
"""
