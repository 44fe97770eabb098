"""The canonical skeleton says of itself what the conventions say."""

import numpy as np
import roma
import torch

from estimator import skeleton as sk
from estimator.keypoint_set import KEYPOINT_MIRROR
from estimator.kinematics import (
    end_points,
    forward_kinematics,
    keypoints,
    rest_offsets_from_lengths,
    stature_from_lengths,
)

REST = torch.eye(3, dtype=torch.float64).expand(sk.J, 3, 3)
LENGTHS = torch.tensor(sk.MEAN_LENGTHS)


def _rest_pose():
    height = torch.tensor([0.0, 0.0, float(sk.hips_height(sk.MEAN_LENGTHS))], dtype=torch.float64)
    return forward_kinematics(REST, rest_offsets_from_lengths(LENGTHS), height)


def _joint(pose, name):
    return pose.joints[sk.JOINT_INDEX[name]].numpy()


def test_parents_come_before_children():
    assert sk.PARENTS[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(sk.PARENTS) if joint)


def test_rest_pose_is_a_t_pose_on_the_ground_facing_minus_y():
    pose = _rest_pose()
    assert _joint(pose, "LeftHand")[0] > _joint(pose, "LeftArm")[0] > 0 > _joint(pose, "RightHand")[0]
    assert _joint(pose, "LeftToeBase")[1] < _joint(pose, "LeftFoot")[1]
    hips = pose.joints[sk.JOINT_INDEX["LeftUpLeg"]] + pose.joints[sk.JOINT_INDEX["RightUpLeg"]]
    assert np.allclose(hips / 2, pose.joints[0])
    ends = end_points(pose, LENGTHS)
    assert np.allclose(ends[3:, 2], 0.0, atol=1e-12), "toe tips and heels stand on the ground"
    assert np.isclose(float(ends[0, 2]), float(stature_from_lengths(LENGTHS)))
    assert np.isclose(sk.stature(sk.MEAN_LENGTHS), float(stature_from_lengths(LENGTHS)))


def test_skeleton_and_keypoints_are_symmetric():
    pose = _rest_pose()
    flip = np.array([-1.0, 1.0, 1.0])
    assert np.allclose(pose.joints[list(sk.JOINT_MIRROR)] * flip, pose.joints)
    points = keypoints(pose, LENGTHS).numpy()
    assert np.allclose(points[list(KEYPOINT_MIRROR)] * flip, points)


def test_lengths_are_read_back_from_rest_offsets():
    lengths = sk.MEAN_LENGTHS * np.linspace(0.8, 1.3, sk.L)
    assert np.allclose(sk.lengths_from_rest_offsets(sk.rest_offsets(lengths)), lengths)


def test_no_bone_is_too_short_for_blender():
    bones = np.linalg.norm(sk.rest_offsets(0.6 * sk.MEAN_LENGTHS)[1:], axis=1)
    assert bones.min() > 0.01


def test_bent_left_elbow_and_knee_go_where_they_should():
    local = REST.clone()
    quarter = torch.tensor(np.pi / 2, dtype=torch.float64)
    local[sk.JOINT_INDEX["LeftForeArm"]] = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, -quarter]))
    local[sk.JOINT_INDEX["LeftLeg"]] = roma.rotvec_to_rotmat(torch.tensor([quarter, 0.0, 0.0]))
    pose = forward_kinematics(local, rest_offsets_from_lengths(LENGTHS), torch.zeros(3, dtype=torch.float64))
    forearm = _joint(pose, "LeftHand") - _joint(pose, "LeftForeArm")
    shin = _joint(pose, "LeftFoot") - _joint(pose, "LeftLeg")
    assert np.allclose(forearm, [0, -0.26, 0]), "the hand comes forward"
    assert np.allclose(shin, [0, 0.41, 0]), "the heel goes back"


def test_rotations_round_trip_through_forward_kinematics():
    local = roma.random_rotmat(5 * sk.J, dtype=torch.float64).reshape(5, sk.J, 3, 3)
    pose = forward_kinematics(
        local, rest_offsets_from_lengths(LENGTHS), torch.zeros(5, 3, dtype=torch.float64)
    )
    parents = pose.rotations[:, list(sk.PARENTS[1:])]
    assert torch.allclose(pose.rotations[:, 0], local[:, 0])
    assert torch.allclose(parents.mT @ pose.rotations[:, 1:], local[:, 1:])
    bones = (pose.joints[:, 1:] - pose.joints[:, list(sk.PARENTS[1:])]).norm(dim=-1)
    assert torch.allclose(bones, rest_offsets_from_lengths(LENGTHS)[1:].norm(dim=-1).expand_as(bones))
