"""neo4j.conf of a home folder: loopback only, nothing phones home, small enough to run beside the tests."""

from __future__ import annotations

from pathlib import Path

_CONF = """\
# Written by tests/neo4j/configuration.py at each start: edits are lost.
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false

dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
client.allow_telemetry=false

server.memory.heap.initial_size={heap_mb}m
server.memory.heap.max_size={heap_mb}m
server.memory.pagecache.size={pagecache_mb}m

db.logs.query.enabled=OFF
# A kill is recovered from the log since the last checkpoint: five minutes of writes replay in seconds.
db.checkpoint=PERIODIC
db.checkpoint.interval.time=5m
# Log files are neither 256 MiB from the first write nor kept once a checkpoint has passed them.
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=keep_none
# Bolt's default is to idle for 10 s in case of a late packet, at each stop.
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""


def write_conf(home: Path, *, port: int, heap_mb: int, pagecache_mb: int) -> None:
    """Writes `home/conf/neo4j.conf`."""
    for folder in ("conf", "logs", "plugins"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    text = _CONF.format(port=port, heap_mb=heap_mb, pagecache_mb=pagecache_mb)
    (home / "conf" / "neo4j.conf").write_text(text)
