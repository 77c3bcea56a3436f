"""The Neo4j server's jars and the java that runs them.

Maven resolves them once into `build/neo4j/lib`; a stamp with the hash of pom.xml says that the folder is whole, so that
every later run works without a network and without Maven. This module starts no server.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
CACHE = REPOSITORY / "build" / "neo4j"
STAMP = "pom.sha256"
FETCH_TIMEOUT_S = 540
OLDEST_JAVA = 17


class Neo4jUnavailableError(RuntimeError):
    """No Neo4j server can be had here; the message says what is missing and what to do about it."""


def jar_folder(cache: Path = CACHE) -> Path:
    """The folder of jars that makes the server's class path, fetched first if it is not there or belongs to another pom.xml."""
    jars = cache / "lib"
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()
    if _is_whole(jars, wanted):
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "fetch.lock"):
        if not _is_whole(jars, wanted):
            _fetch(jars, wanted)
    return jars


def java() -> str:
    """The java executable: JAVA_HOME's, else the first on PATH, if it is new enough for Neo4j 5."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        where = f"in JAVA_HOME={home}" if home else "on PATH"
        raise Neo4jUnavailableError(f"no java {where}; install Java {OLDEST_JAVA} (Debian: openjdk-17-jre-headless)")
    banner = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', banner)
    if version is None or int(version[1]) < OLDEST_JAVA:
        said = banner.partition("\n")[0] or "nothing"
        raise Neo4jUnavailableError(f"{found} says {said!r}; Neo4j 5 needs Java {OLDEST_JAVA} or later")
    return found


def _is_whole(jars: Path, wanted: str) -> bool:
    stamp = jars / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(jars: Path, wanted: str) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise Neo4jUnavailableError("no mvn on PATH to fetch Neo4j's jars with; install Maven (Debian: maven)")
    print("fetching Neo4j's jars (118 MB, once) …", file=sys.stderr)
    partial = jars.with_name("lib.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run_maven(maven, partial)
    (partial / STAMP).write_text(wanted)
    shutil.rmtree(jars, ignore_errors=True)
    partial.rename(jars)


def _run_maven(maven: str, target: Path) -> None:
    # -C: a jar whose checksum differs from the registry's stops the fetch.
    command = [maven, "-q", "-B", "-C", "-f", str(POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Neo4jUnavailableError(f"Maven did not fetch Neo4j's jars within {FETCH_TIMEOUT_S} s; try again") from None
    except subprocess.CalledProcessError as error:
        said = next((line for line in error.stdout.splitlines() if "ERROR" in line), error.stderr.strip())
        raise Neo4jUnavailableError(f"Maven could not fetch Neo4j's jars (network needed once): {said}") from None
