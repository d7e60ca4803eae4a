"""Video in: the only place that knows ffmpeg exists."""
