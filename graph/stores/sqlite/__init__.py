"""The record in one SQLite file: durable, embedded, no server."""
