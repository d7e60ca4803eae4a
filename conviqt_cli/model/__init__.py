"""The two frozen networks, and the bundles they are kept in."""
