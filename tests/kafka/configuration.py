"""server.properties of a home folder: one node that is broker and controller, on loopback only."""

from __future__ import annotations

from pathlib import Path

_PROPERTIES = """\
# Written by tests/kafka/configuration.py at each start: edits are lost.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_{username}="{password}";
log.dirs={data}

# A topic that nobody made is an error to be seen, not a topic.
auto.create.topics.enable=false
log.retention.ms=-1
# Topics of Kafka's own keep three copies by default, which one node can't.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A consumer group of one has nobody to wait for.
group.initial.rebalance.delay.ms=0
# A broker that was killed is let in again when its last session has run out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Nobody takes over from one node: it has nothing to hand over when it stops.
controlled.shutdown.enable=false
"""


def write_properties(home: Path, *, port: int, sasl_port: int, controller_port: int, user: tuple[str, str]) -> Path:
    """Writes `home/server.properties`, for its owner only, and returns where it is. user: name and password, for SASL."""
    (home / "logs").mkdir(parents=True, exist_ok=True)
    path = home / "server.properties"
    path.touch(mode=0o600)
    path.write_text(
        _PROPERTIES.format(
            port=port,
            sasl_port=sasl_port,
            controller_port=controller_port,
            username=user[0],
            password=user[1],
            data=home / "data",
        )
    )
    return path
