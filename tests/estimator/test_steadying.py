"""Hidden limbs move steadily between what was seen before and after; what is seen stays, less its tremble."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.keypoint_set import KEYPOINT_INDEX, K
from estimator.skeleton import JOINT_INDEX, J
from estimator.steadying import steadied

T = 120
HIDDEN = slice(40, 80)
ARM, FOREARM = JOINT_INDEX["LeftArm"], JOINT_INDEX["LeftForeArm"]


def _swinging():
    """(T, 22, 4) single precision: every joint swings by 40° in two seconds about an axis of its own."""
    axes = np.random.default_rng(0).normal(size=(J, 3))
    axes[FOREARM] = [0.0, 0.0, 1.0]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angle = np.radians(40.0) * np.sin(np.arange(T) / 30 * np.pi)
    turns = Rotation.from_rotvec((angle[:, None, None] * axes).reshape(-1, 3))
    return turns.as_quat(scalar_first=True).reshape(T, J, 4).astype(np.float32)


def _degrees(a, b):
    return np.degrees(2 * np.arccos(np.clip(np.abs((a * b).sum(-1)), 0, 1)))


@pytest.fixture
def guessed():
    """The swinging, with the left forearm and arm at random while elbow and wrist are hidden."""
    rotations, confidence = _swinging(), np.ones((T, K), np.float32)
    for name in ("left_elbow", "left_wrist"):
        confidence[HIDDEN, KEYPOINT_INDEX[name]] = 0.0
    random = np.random.default_rng(1).normal(size=(HIDDEN.stop - HIDDEN.start, 3)) * np.radians(30)
    turned = Rotation.from_quat(rotations[HIDDEN, ARM], scalar_first=True) * Rotation.from_rotvec(random)
    rotations[HIDDEN, ARM] = turned.as_quat(scalar_first=True)
    return rotations, confidence


def test_what_is_seen_stays():
    rotations = _swinging()
    assert _degrees(steadied(rotations, np.ones((T, K))), rotations).max() < 0.5


def test_tremble_becomes_less():
    """Jitter: third differences of the angle. A detector's noise is white."""
    rotations, random = _swinging(), np.random.default_rng(2).normal(size=(T * J, 3)) * np.radians(2.0)
    turned = Rotation.from_quat(rotations.reshape(-1, 4), scalar_first=True) * Rotation.from_rotvec(random)
    noisy = turned.as_quat(scalar_first=True).reshape(T, J, 4).astype(np.float32)
    steady = steadied(noisy, np.full((T, K), 0.8))

    def jitter(turns):
        """(22,)"""
        one = turns * np.sign((turns[:, :, :1] * rotations[:, :, :1]).sum(-1, keepdims=True))
        return np.abs(np.diff(one, n=3, axis=0)).mean(axis=(0, 2))

    assert (jitter(steady) < 0.75 * jitter(noisy)).all()
    assert _degrees(steady, rotations).mean() < _degrees(noisy, rotations).mean()


def test_what_is_hidden_moves_steadily_and_the_other_limbs_stay(guessed):
    rotations, confidence = guessed
    steady = steadied(rotations, confidence)
    before = _degrees(rotations[1:, ARM], rotations[:-1, ARM])[HIDDEN].max()
    after = _degrees(steady[1:, ARM], steady[:-1, ARM])[HIDDEN].max()
    assert after < 0.15 * before
    others = [joint for joint in range(J) if joint not in (ARM, FOREARM, JOINT_INDEX["LeftHand"])]
    assert _degrees(steady[:, others], rotations[:, others]).max() < 0.5
    far = np.r_[0 : HIDDEN.start - 5, HIDDEN.stop + 5 : T]
    assert _degrees(steady[far, ARM], _swinging()[far, ARM]).max() < 1.0


def test_hinges_stay_hinges_and_rotations_rotations(guessed):
    steady = steadied(*guessed)
    assert np.abs(steady[:, FOREARM, 1:3]).max() < 1e-6
    assert np.allclose(np.linalg.norm(steady, axis=-1), 1.0, atol=1e-6)


def test_time_has_no_direction(guessed):
    rotations, confidence = guessed
    back = steadied(rotations[::-1].copy(), confidence[::-1].copy())[::-1]
    assert _degrees(back, steadied(rotations, confidence)).max() < 0.1


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_clips_pass(frames):
    rotations = _swinging()[:frames]
    assert _degrees(steadied(rotations, np.zeros((frames, K))), rotations).max() < 10.0
