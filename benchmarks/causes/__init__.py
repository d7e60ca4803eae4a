"""Are causes named right? Videos with a known fault in one second, made with ffmpeg, and what is said of them."""
