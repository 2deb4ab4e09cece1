"""Benchmarks of design 8, each beside its reference in the same run: `make bench`."""
