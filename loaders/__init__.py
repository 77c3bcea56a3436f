"""Anything from outside into the store: decode, validate, quarantine, deduplicate, write."""
