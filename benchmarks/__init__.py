"""Benchmarks: `make bench-load`, `bench-train`, … print one JSON object a figure, side by side with its reference."""
