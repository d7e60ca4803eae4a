"""Distorted squares and clips, packed into shards."""
