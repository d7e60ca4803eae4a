"""Which frames and which pixels a score rests on; the same on every device."""
