"""The training corpus: gathering, provenance, and which contents are held out."""
