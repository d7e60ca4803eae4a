"""Heads on the frozen encoder: labelled encodes, the regressor, the diagnosis head, the model card."""
