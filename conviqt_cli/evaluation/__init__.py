"""Evaluating and comparing existing models on labelled sets."""
