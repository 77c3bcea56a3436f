"""The demo and its server, shared by the end-to-end tests."""

from tests.e2e.demo import demo, demo_server

__all__ = ["demo", "demo_server"]
