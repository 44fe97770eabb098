"""Detections of real videos through the readers, compared with what stands in the files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.keypoints import read_keypoints, recognise_format
from estimator.track import KeypointTrack


def point(track: KeypointTrack, frame: int, name: str) -> list[float]:
    """x, y, confidence of a keypoint, NaN and 0 where missing."""
    row, k = frame - track.frame_start, KEYPOINT_INDEX[name]
    return [*track.keypoints[row, k].tolist(), float(track.confidence[row, k])]


def people_in(path: Path) -> list[list[float]]:
    return [person["pose_keypoints_2d"] for person in json.loads(path.read_text())["people"]]


@pytest.mark.parametrize(
    ("folder", "first", "files"),
    [
        ("motionet_0", 30, 441),
        ("motionet_1", 0, 81),
        ("motionet_2", 0, 411),
        ("motionet_3", 0, 350),
        ("motionet_4", 90, 331),
        ("motionet_5", 1150, 351),
        ("video2bvh_dance", 0, 900),
    ],
)
def test_openpose_body_25(shared: Path, folder: str, first: int, files: int) -> None:
    path = shared / "keypoints/openpose_body25" / folder
    assert recognise_format(path).name == "openpose-body25"
    tracks = read_keypoints(path)
    assert min(track.frame_start for track in tracks) == first
    assert max(track.frame_start + len(track) for track in tracks) == first + files
    everyone = sum(len(people_in(file)) for file in path.glob("*.json"))
    assert sum(track.frames_seen for track in tracks) == everyone
    assert [track.person_id for track in tracks] == list(range(1, len(tracks) + 1))


def test_openpose_points_and_frame_numbers(shared: Path) -> None:
    path = shared / "keypoints/openpose_body25/motionet_0"
    (track,) = read_keypoints(path)
    for frame in (30, 123, 470):
        (person,) = people_in(path / f"14_{frame:012d}_keypoints.json")
        for name, index in {
            "nose": 0,
            "left_wrist": 7,
            "pelvis": 8,
            "right_ankle": 11,
            "left_heel": 21,
        }.items():
            assert point(track, frame, name) == pytest.approx(person[3 * index : 3 * index + 3])
        assert person[3 * 17 + 2] == 0 or point(track, frame, "right_ear")[2] > 0
    assert track.width is None
    assert track.fps is None


def test_a_cut_in_a_film_starts_a_new_track(shared: Path) -> None:
    tracks = read_keypoints(shared / "keypoints/openpose_body25/motionet_3")
    assert [(track.frame_start, len(track)) for track in tracks] == [(37, 313), (0, 37)]


def test_every_openpose_coco_18_clip(shared: Path) -> None:
    folders = [path for path in (shared / "keypoints/openpose_coco18").iterdir() if path.is_dir()]
    assert len(folders) == 112
    frames = 0
    for path in folders:
        assert recognise_format(path).name == "openpose-coco18"
        tracks = read_keypoints(path)
        frames += sum(1 for _ in path.glob("*.json"))
        assert tracks[0].frames_seen >= 0.9 * sum(1 for _ in path.glob("*.json"))
        for name in ("head_top", "pelvis", "left_heel", "right_big_toe"):
            assert not tracks[0].present[:, KEYPOINT_INDEX[name]].any()
    assert frames == 8606


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("keypoints/coco17/baseball.json", "coco"),
        ("keypoints/mmpose_wholebody133/baseball_wholebody.json", "mmpose"),
    ],
)
def test_the_same_clip_from_two_detectors(shared: Path, path: str, name: str) -> None:
    assert recognise_format(shared / path).name == name
    (track,) = read_keypoints(shared / path)
    # Both files number the pictures from 1; frame 0 is a clip's first picture.
    assert (track.frame_start, len(track), track.frames_seen) == (0, 277, 277)


def test_coco_and_mmpose_see_the_same_person(shared: Path) -> None:
    (coco,) = read_keypoints(shared / "keypoints/coco17/baseball.json")
    (mmpose,) = read_keypoints(shared / "keypoints/mmpose_wholebody133/baseball_wholebody.json")
    both = coco.present & mmpose.present
    distance = np.linalg.norm(coco.keypoints - mmpose.keypoints, axis=-1)[both]
    height = np.nanmax(coco.keypoints[..., 1]) - np.nanmin(coco.keypoints[..., 1])
    assert np.median(distance) < 0.02 * height
    entries: list[dict[str, Any]] = json.loads((shared / "keypoints/coco17/baseball.json").read_text())
    entry = next(entry for entry in entries if entry["image_id"] == 100)
    assert point(coco, 99, "left_knee") == pytest.approx(entry["keypoints"][39:42])
    assert mmpose.present[:, KEYPOINT_INDEX["left_heel"]].all()


@pytest.mark.parametrize(
    ("name", "frames", "seen"),
    [
        ("humor_hiphop_clip1", 93, 93),
        ("posetriplet_lumin_clip1", 127, 127),
        ("posetriplet_test1", 49, 49),
        ("sports2d_demo3", 47, 33),
        ("sports2d_demo4", 401, 307),
        ("sports2d_demo5", 540, 540),
        ("poseformerv2_sample_video", 185, 185),
    ],
)
def test_mediapipe(shared: Path, name: str, frames: int, seen: int) -> None:
    path = shared / "keypoints/mediapipe33" / f"{name}.json"
    document = json.loads(path.read_text())
    assert len(document["frames"]) == frames
    assert recognise_format(path).name == "mediapipe"
    (track,) = read_keypoints(path)
    assert track.frames_seen == seen == sum(frame["keypoints"] is not None for frame in document["frames"])
    assert (track.width, track.height, track.fps) == (document["width"], document["height"], document["fps"])
    last = next(frame for frame in reversed(document["frames"]) if frame["keypoints"])
    assert point(track, last["frame"], "right_hip") == pytest.approx(last["keypoints"][24])
    assert point(track, last["frame"], "left_big_toe") == pytest.approx(last["keypoints"][31])


@pytest.mark.parametrize("camera", ["cam01", "cam03"])
def test_openpose_body_25b_lies_on_the_triangulated_joints(shared: Path, camera: str) -> None:
    folder = shared / f"real-eval/pose2sim_balancing_{camera}"
    assert recognise_format(folder / "keypoints").name == "openpose-body25b"
    tracks = read_keypoints(folder / "keypoints")
    track = tracks[0]
    assert (track.frame_start, len(track), track.frames_seen) == (0, 100, 100)
    reference = np.load(folder / "reference.npz")
    # Its joints are COCO's points 5 to 16: shoulders, elbows, wrists, hips, knees, ankles, left before right.
    assert reference["joint_names"][[0, 7, 11]].tolist() == ["LeftArm", "RightUpLeg", "RightFoot"]
    for index, k in enumerate(range(5, 17)):
        distance = np.linalg.norm(track.keypoints[:, k] - reference["joints_pixel"][:, index], axis=-1)
        assert np.nanmedian(distance) < 70, index  # pixels; left and right lie 100 to 300 apart
    assert not track.present[:, KEYPOINT_INDEX["neck"]].any()


def test_the_bystander_is_a_person_of_his_own(shared: Path) -> None:
    tracks = read_keypoints(shared / "real-eval/pose2sim_balancing_cam01/keypoints")
    assert [track.frames_seen for track in tracks] == [100, 100, 1]
    main, bystander = tracks[:2]
    apart = np.linalg.norm(
        np.nanmean(main.keypoints, axis=1) - np.nanmean(bystander.keypoints, axis=1), axis=-1
    )
    assert apart.min() > 100


def test_a_given_size_and_rate_win_over_the_file(shared: Path) -> None:
    path = shared / "keypoints/mediapipe33/posetriplet_test1.json"
    (track,) = read_keypoints(path, width=1000, fps=50.0)
    assert (track.width, track.height, track.fps) == (1000, 480, 50.0)
