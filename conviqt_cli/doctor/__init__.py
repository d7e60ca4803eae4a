"""Whether this installation can score: every part it rests on is examined, and a clip of known score is scored."""
