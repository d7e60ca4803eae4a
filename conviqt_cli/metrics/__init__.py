"""Agreement between predictions and labels: correlations, errors, the logistic mapping, bootstrap."""
