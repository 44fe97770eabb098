"""Keypoint tracks without 3D as training windows."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, K
from estimator.training.track_source import TrackSource
from estimator.training.tracks import TrackClip, load_tracks, minutes, track_videos

WIDTH, HEIGHT, FPS = 1280, 720, 25.0


def _write_clip(path: Path, frames: int = 60, seen: float = 1.0) -> None:
    """A COCO-17 person as a MediaPipe-style file would be; x grows by 2 pixels a frame."""
    random = np.random.default_rng(0)
    points = 200 + 300 * random.random((33, 2))
    rows = []
    for frame in range(frames):
        keypoints = [[x + 2.0 * frame, y, 0.9] for x, y in points]
        rows.append({"frame": frame, "keypoints": keypoints if frame < seen * frames else None})
    head = {"format": "mediapipe33", "video": "x", "width": WIDTH, "height": HEIGHT, "fps": FPS}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**head, "frames": rows}))


def test_files_at_any_depth_become_tracks_at_the_rate_of_the_network(tmp_path):
    _write_clip(tmp_path / "set" / "deep" / "walk.json")
    _write_clip(tmp_path / "set" / "run.json", frames=50)
    clips, notes = load_tracks([tmp_path / "set"])
    assert sorted(clip.name for clip in clips) == ["set/deep/walk.json_p1", "set/run.json_p1"]
    assert not notes
    walk = next(clip for clip in clips if "walk" in clip.name)
    assert abs(len(walk) - 60 * 30 / FPS) <= 1
    assert torch.allclose(walk.rays.norm(dim=-1)[walk.confidence > 0], torch.ones(()), atol=1e-5)
    assert minutes(clips) == pytest.approx(110 / FPS / 60, rel=0.05)
    # A focal length of the picture's diagonal: 2 pixels a frame, so many radians a second.
    nose = walk.rays[:, KEYPOINT_INDEX["nose"]]
    speed = (nose[1:, 0] / nose[1:, 2] - nose[:-1, 0] / nose[:-1, 2]).median() * 30
    assert float(speed) == pytest.approx(2 * FPS / float(np.hypot(WIDTH, HEIGHT)), rel=0.02)


def test_what_is_of_no_use_is_left_out_with_a_line(tmp_path):
    _write_clip(tmp_path / "good.json")
    _write_clip(tmp_path / "short.json", frames=10)
    _write_clip(tmp_path / "away.json", frames=100, seen=0.2)
    (tmp_path / "broken.json").write_text("{")
    clips, notes = load_tracks([tmp_path])
    assert [clip.name for clip in clips] == [f"{tmp_path.name}/good.json_p1"]
    assert any("short.json" in note for note in notes)
    assert any("broken.json" in note for note in notes)
    assert all("\n" not in note for note in notes)


def test_nothing_usable_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        load_tracks([tmp_path / "absent"])
    _write_clip(tmp_path / "short.json", frames=10)
    with pytest.raises(InputError, match="no keypoint track"):
        load_tracks([tmp_path])


def _source(clips, seed):
    return TrackSource(*track_videos(clips), mirrored=0.5, seed=seed)


def _clip(name: str, frames: int) -> TrackClip:
    rays = torch.randn(frames, K, 3, generator=torch.Generator().manual_seed(frames))
    return TrackClip(name, torch.nn.functional.normalize(rays, dim=-1), torch.rand(frames, K))


def test_windows_are_pieces_of_clips_or_their_mirror_images():
    clip = _clip("a", 90)
    batch = _source([clip], seed=1).batch(8, 40)
    mirrored = clip.rays[:, list(KEYPOINT_MIRROR)] * torch.tensor([-1.0, 1.0, 1.0])
    kinds = set()
    for row in batch.evidence.rays:
        places = {
            kind: start
            for kind, rays in (("as it is", clip.rays), ("mirrored", mirrored))
            for start in range(51)
            if torch.equal(row, rays[start : start + 40])
        }
        assert len(places) == 1
        kinds |= places.keys()
    assert kinds == {"as it is", "mirrored"}
    assert batch.evidence.in_clip.all() and batch.view.size.shape == (8, 40)


def test_short_clips_are_padded_and_nothing_is_known_of_their_camera():
    batch = _source([_clip("a", 35)], seed=1).batch(2, 60)
    assert batch.evidence.in_clip.sum(dim=1).tolist() == [35, 35]
    assert not batch.evidence.confidence[:, 35:].any()
    assert not batch.evidence.down.any() and batch.evidence.camera_height.isnan().all()
    assert batch.view.size.isfinite().all()


def test_real_files_of_every_format_are_windows(shared):
    clips, _ = load_tracks([shared / "keypoints" / "mediapipe33", shared / "keypoints" / "coco17"])
    assert len(clips) >= 8
    batch = _source(clips, seed=3).batch(4, 100)
    assert batch.evidence.rays.isfinite().all() and batch.view.from_camera.isfinite().all()
