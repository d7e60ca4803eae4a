"""Scoring pipeline: decode, extract features, predict, pool."""
