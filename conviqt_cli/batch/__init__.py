"""Many videos: which ones, in what order, several at once, and every finished result on disk before the next."""
