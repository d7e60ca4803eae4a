"""The distortion bank: what can go wrong with a picture or a video, each in five levels."""
