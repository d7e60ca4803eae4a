"""Is the trained encoder better than doing nothing? ``python -m benchmarks.encoders`` prints four tables."""
