"""The two self-supervised training stages and the loop they share."""
