"""The jars of a server, and the java that runs them.

Maven resolves a pom.xml once into a folder; a stamp with the hash of the pom says that the folder is whole, so that every
later run works without a network and without Maven. This module starts no server.
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
STAMP = "pom.sha256"
FETCH_TIMEOUT_S = 540
OLDEST_JAVA = 17


class ServerUnavailableError(RuntimeError):
    """No such server can be had here; the message says what is missing and what to do about it."""


def jar_folder(pom: Path, cache: Path, what: str) -> Path:
    """The folder of jars that makes a server's class path: `cache/lib`, fetched if it is not there or is another pom's.

    what: names the jars in what is printed, with their size, such as `Kafka's jars (46 MB)`.
    """
    jars = cache / "lib"
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    if _is_whole(jars, wanted):
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "fetch.lock"):
        if not _is_whole(jars, wanted):
            _fetch(pom, jars, wanted, what)
    return jars


def java() -> str:
    """The java executable: JAVA_HOME's, else the first on PATH, if it is new enough."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        where = f"in JAVA_HOME={home}" if home else "on PATH"
        raise ServerUnavailableError(f"no java {where}; install Java {OLDEST_JAVA} (Debian: openjdk-17-jre-headless)")
    banner = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', banner)
    if version is None or int(version[1]) < OLDEST_JAVA:
        said = banner.partition("\n")[0] or "nothing"
        raise ServerUnavailableError(f"{found} says {said!r}; Java {OLDEST_JAVA} or later is needed")
    return found


def _is_whole(jars: Path, wanted: str) -> bool:
    stamp = jars / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(pom: Path, jars: Path, wanted: str, what: str) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise ServerUnavailableError(f"no mvn on PATH to fetch {what} with; install Maven (Debian: maven)")
    print(f"fetching {what}, once …", file=sys.stderr)
    partial = jars.with_name("lib.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run_maven(maven, pom, partial, what)
    (partial / STAMP).write_text(wanted)
    shutil.rmtree(jars, ignore_errors=True)
    partial.rename(jars)


def _run_maven(maven: str, pom: Path, target: Path, what: str) -> None:
    # -C: a jar whose checksum differs from the registry's stops the fetch.
    command = [maven, "-q", "-B", "-C", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise ServerUnavailableError(f"Maven did not fetch {what} within {FETCH_TIMEOUT_S} s; try again") from None
    except subprocess.CalledProcessError as error:
        said = next((line for line in error.stdout.splitlines() if "ERROR" in line), error.stderr.strip())
        raise ServerUnavailableError(f"Maven could not fetch {what} (network needed once): {said}") from None
