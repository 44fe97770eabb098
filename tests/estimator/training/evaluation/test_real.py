"""Real clips: the reference lies on its own keypoints, and tracks without 3D are measured on themselves."""

import json

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.generator import Generator, GeneratorConfig, save_weights
from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.skeleton import JOINT_INDEX
from estimator.training.evaluation.measures import measure
from estimator.training.evaluation.models import product, truth
from estimator.training.evaluation.real import reference_cases, reference_folders, track_cases

from ...command_line.keypoint_files import write_coco


@pytest.fixture(scope="module")
def references(shared):
    folders = reference_folders(shared / "real-eval")
    if not folders:
        pytest.skip("needs ../shared/real-eval, which is not part of the repository")
    return folders


def test_the_reference_belongs_to_the_person_and_the_frames_that_are_measured(references):
    assert len(references) == 2
    for folder in references:
        (case,) = reference_cases([folder], known=False)
        assert case.stride == 2 and case.camera.world_from_camera is None
        true = case.truth.in_camera()
        assert len(true) == 50 and case.truth.labelled.sum() == 13, "12 joints and their root"
        pixels = case.camera.project(true)
        for joint, keypoint in (("LeftHand", "left_wrist"), ("RightFoot", "right_ankle")):
            seen = case.track.keypoints[::2, KEYPOINT_INDEX[keypoint]]
            off = np.linalg.norm(pixels[:, JOINT_INDEX[joint]] - seen, axis=-1)
            assert np.nanmedian(off) < 45, "pixels of 1920; the reference is smoothed"


def test_on_the_reference_the_truth_is_perfect_and_a_pose_is_measured(references, tmp_path):
    (case,) = reference_cases([references[0]], known=True)
    assert case.camera.world_from_camera is not None
    figures = measure(case, truth(case))
    for name in ("p_mpjpe_mm", "w_mpjpe_rigid_mm", "reprojection_percent", "acceleration_mm"):
        assert figures.value(name) < 1e-3
    torch.manual_seed(1)
    save_weights(tmp_path / "w.pt", Generator(GeneratorConfig(16, (3,))), {})
    figures = measure(case, product(tmp_path / "w.pt", refined=False)(case))
    assert figures.value("p_mpjpe_mm") > 50 and figures.value("gravity_degrees") < 1e-3


def test_tracks_without_3d_are_measured_on_their_own_keypoints(shared, tmp_path):
    clip = next((shared / "keypoints" / "mediapipe33").glob("*.json"))
    (case,) = track_cases([clip])
    assert case.truth is None and case.camera.width == case.track.width
    torch.manual_seed(1)
    save_weights(tmp_path / "w.pt", Generator(GeneratorConfig(16, (3,))), {})
    figures = measure(case, product(tmp_path / "w.pt", refined=False)(case))
    assert figures.value("reprojection_percent") > 0
    assert figures.value("reprojection_95_percent") > figures.value("reprojection_percent")
    assert np.isnan(figures.value("p_mpjpe_mm"))


def _reference_folder(folder, names):
    folder.mkdir()
    camera = {"width": 640, "height": 480, "world_from_camera": np.eye(4).tolist()}
    (folder / "camera.json").write_text(json.dumps(camera))
    joints = np.ones((3, len(names), 3))
    np.savez(
        folder / "reference.npz",
        joints_camera=joints,
        joints_pixel=joints[..., :2],
        joint_names=names,
        fps=30,
    )
    return folder


def _lacking(joint, frames):
    joints = np.ones((3, 3, 3))
    joints[frames, joint] = np.nan
    return joints


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"", "no reference of joints"),
        (lambda data: data[: len(data) // 2], "no reference of joints"),
        (lambda data: data[:200] + b"spoiled" + data[207:], "no reference of joints"),
        ({"fps": float("nan")}, "fps is nan; give"),
        ({"fps": 0}, "fps is 0; give"),
        ({"fps": [30, 30]}, "no reference of joints"),
        (
            {"joint_names": ["LeftUpLeg", "RightUpLeg"]},
            r"joints_camera: an array of shape \(3, 3, 3\); 2 names",
        ),
        ({"joints_pixel": np.ones((3, 3))}, r"joints_pixel: an array of shape \(3, 3\); 3 names make it"),
        ({"joints_pixel": np.ones((2, 3, 2))}, r"joints_pixel: an array of shape \(2, 3, 2\)"),
        ({"joints_camera": _lacking(2, 1)}, "joints_camera: Head is no number on frame 1; fill such gaps"),
        ({"joints_camera": _lacking(0, slice(None))}, "joints_camera: LeftUpLeg is no number on frame 0"),
    ],
)
def test_a_damaged_reference_is_told_in_one_line(tmp_path, change, says):
    folder = _reference_folder(tmp_path / "a", ["LeftUpLeg", "RightUpLeg", "Head"])
    file = folder / "reference.npz"
    if callable(change):
        file.write_bytes(change(file.read_bytes()))
    else:
        np.savez(file, **{**np.load(file), **change})
    with pytest.raises(InputError, match=rf"reference\.npz: {says}") as caught:
        list(reference_cases([folder], known=False))
    assert "\n" not in str(caught.value)


def test_a_defective_reference_is_told_in_one_line(tmp_path):
    folder = _reference_folder(tmp_path / "a", ["LeftUpLeg", "RightUpLeg", "Tail"])
    with pytest.raises(InputError, match=r"reference\.npz: joint_names: unknown joint 'Tail'"):
        list(reference_cases([folder], known=False))
    (folder / "reference.npz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"reference\.npz: no reference of joints"):
        list(reference_cases([folder], known=False))
    (folder / "camera.json").write_text('{"width": 640, "height": 480}')
    with pytest.raises(InputError, match=r"camera\.json: needs one world_from_camera"):
        list(reference_cases([folder], known=False))


def test_clips_of_one_name_are_told_apart(tmp_path):
    files = [tmp_path / "x" / "walk.json", tmp_path / "y" / "walk.json", tmp_path / "y" / "run.json"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        write_coco(file)
    assert [case.name for case in track_cases(files)] == [files[0].as_posix(), files[1].as_posix(), "run"]
