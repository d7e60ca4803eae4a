"""Features of packed items: batched over items, equal to one by one, computed once for pictures shown many times."""

import numpy as np
import torch

from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.training.packing.shards import PackedItem, write_shard
from conviqt_cli.training.stages.clip_features import extract, read_features
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture


class FakeEncoder:
    """Features that tell every frame from every other, and how many frames came at once."""

    encoder_id = "fake"

    def __init__(self):
        self.batches = []

    def spatial(self, frames):
        self.batches.append(len(frames))
        return np.stack([np.full(4096, frame.mean() / 255, np.float32) for frame in frames])

    def pooled(self, frames):
        return np.stack([np.append(np.ones(2047, np.float32), frame.mean() / 255) for frame in frames])

    def batch_frames(self, height, width):
        return 4


def test_frames_go_through_the_network_together_and_come_out_in_their_places(tmp_path):
    rng = np.random.default_rng(0)
    moving = [rng.integers(0, 255, (3, 32, 32, 3), dtype=np.uint8) for _ in range(3)]
    still = np.repeat(rng.integers(0, 255, (1, 32, 32, 3), dtype=np.uint8), 3, axis=0)
    clips = [moving[0], still, *moving[1:], moving[0][[0, 0, 2]]]
    shard = tmp_path / "packed" / "a.safetensors"
    shard.parent.mkdir()
    write_shard(shard, ["pristine"], [[PackedItem(clip, np.ones(1, np.float32), 1) for clip in clips]])
    encoder = FakeEncoder()
    extract(shard.parent, encoder, tmp_path / "features")
    assert encoder.batches == [4, 4, 2]
    found = read_features(tmp_path / "features").features
    wanted = torch.tensor([[frame.mean() / 255 for frame in clip] for clip in clips])
    torch.testing.assert_close(found[..., 0].float(), wanted.float(), atol=1e-3, rtol=0)

    extract(shard.parent, encoder, tmp_path / "features")
    assert len(encoder.batches) == 3


def test_features_of_crops_are_those_of_a_video_that_is_scored(tmp_path):
    clip = np.random.default_rng(0).integers(0, 255, (CLIP_LENGTH, 320, 300, 3), dtype=np.uint8)
    shard = tmp_path / "packed" / "a.safetensors"
    shard.parent.mkdir()
    write_shard(shard, ["pristine"], [[PackedItem(clip, np.ones(1, np.float32), 1)]])
    encoder = FakeEncoder()
    extract(shard.parent, encoder, tmp_path / "features", picture=CROPS)
    found = read_features(tmp_path / "features")
    assert found.picture == CROPS.id and found.features.shape == (1, 2, 4096)

    frames = tuple(Frame(index, index / 25, 1 / 25, RgbPicture(pixels)) for index, pixels in enumerate(clip))
    scored = [FeatureExtractor(encoder, CROPS, first=first).spatial(Clip(frames)) for first in range(64)]
    assert any(np.allclose(each, found.features[0].numpy(), atol=1e-4) for each in scored)
