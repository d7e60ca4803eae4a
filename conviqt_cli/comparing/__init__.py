"""Versions of one source against each other: aligned in time, scored on the same moments, told apart or not."""
