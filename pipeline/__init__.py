"""Composes the rooms into runs: demo, train and publish, evaluate, export. The only room that may know all others."""
