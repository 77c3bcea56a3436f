"""Load from wrk, a Debian package: so many connections that each ask again as soon as they are answered."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local bodies, at = {}, 0
for line in io.lines("%s") do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %%d, "us": %%d, "p50": %%d, "p99": %%d, "failed": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a run."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def check_wrk() -> None:
    """Raises SystemExit with what to do where wrk is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit("the load comes from wrk, which is not installed; on Debian: apt-get install wrk")


def load(url: str, bodies: Sequence[str], *, connections: int, seconds: float) -> Load:
    """POSTs the bodies in turn over so many connections."""
    with tempfile.TemporaryDirectory(prefix="bench-wrk-") as folder:
        lines, script = Path(folder) / "bodies", Path(folder) / "load.lua"
        lines.write_text("".join(f"{body}\n" for body in bodies))
        script.write_text(_SCRIPT % lines)
        options = ["-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(script)]
        done = subprocess.run(["wrk", *options, url], capture_output=True, text=True, check=True)
    (result,) = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    found = json.loads(result)
    return Load(
        requests_per_s=found["requests"] / found["us"] * 1e6,
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
        failed=found["failed"],
    )
