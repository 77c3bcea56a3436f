"""compose.yaml as Debian's docker-compose reads it, and the secrets that it asks for."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what compose and `make secrets` need, so that no test touches the real .env."""
    for name in ("compose.yaml", "Dockerfile", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        reason = "docker-compose is not installed (Debian: apt-get install docker-compose)"
        if os.environ.get("TASTEGRAPH_REQUIRE_COMPOSE"):
            pytest.fail(reason)
        pytest.skip(reason)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        [program, *arguments, "config"], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def test_make_secrets_writes_a_private_file_once(checkout: Path) -> None:
    subprocess.run(["make", "-s", "secrets"], cwd=checkout, check=True, capture_output=True)
    file = checkout / ".env"
    first = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in first.splitlines())
    assert len(set(values.values())) == len(values)
    assert all(len(value) == 64 for name, value in values.items() if name != "NEO4J_USERNAME")
    subprocess.run(["make", "-s", "secrets"], cwd=checkout, check=True, capture_output=True)
    assert file.read_text() == first


def test_compose_accepts_the_file_with_secrets_and_refuses_it_without(checkout: Path) -> None:
    refused = compose(checkout)
    assert refused.returncode != 0
    assert "make secrets" in refused.stderr
    subprocess.run(["make", "-s", "secrets"], cwd=checkout, check=True, capture_output=True)
    accepted = compose(checkout, "--profile", "load", "--profile", "train")
    assert accepted.returncode == 0, accepted.stderr
    services = yaml.safe_load(accepted.stdout)["services"]
    assert set(services) == {"neo4j", "api", "load", "train"}


def test_every_published_port_is_on_loopback() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(str(port).startswith("127.0.0.1:") for port in ports)


def test_the_commands_of_the_services_are_commands_of_ours() -> None:
    from tastegraph import COMMANDS

    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert {services[name]["command"][0] for name in ("api", "train")} <= set(COMMANDS)
    steps = services["load"]["entrypoint"][-1].split(" && ")
    assert {step.split()[1] for step in steps} <= set(COMMANDS)
