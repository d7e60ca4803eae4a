"""Fitting regressors and diagnosis heads, and validating them on contents they have not seen."""
