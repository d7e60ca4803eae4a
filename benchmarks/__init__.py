"""Measurements of speed, memory, robustness and accuracy, each one command: ``python -m benchmarks.speed``."""
