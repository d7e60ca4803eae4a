"""Scores out: one writer per format."""
