"""Judging the judge: metrics, splits, labelled sets. Imports from the road; the road does not import it."""
