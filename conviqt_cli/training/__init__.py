"""Making models: labels, fitting, bundles. Imports from the road; the road does not import it."""
