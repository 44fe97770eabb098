"""A ``.json`` with the figures of one person's motion, for people and for scripts that sort takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import __version__
from .atomic_write import written_whole
from .camera import Camera
from .errors import MissingDependencyError
from .motion import Motion
from .skeleton import CONTACT_NAMES, lengths_from_rest_offsets, stature

Array = NDArray[np.float64]

CONFIDENT = 0.5
"""Keypoints from this confidence on count for the reprojection error."""


def save_summary(path: Path, motion: Motion, camera: Camera) -> None:
    """Writes ``summarise``'s figures, whole or not at all.

    Raises:
        InputError: the file can't be written.
        MissingDependencyError: see ``summarise``.
    """
    text = json.dumps(summarise(motion, camera), indent=1) + "\n"
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def summarise(motion: Motion, camera: Camera) -> dict[str, Any]:
    """Figures of a motion, under keys that stay.

    ``path_length_m`` is the way of Hips over the ground. ``contacts`` are shares of the frames on which
    each point more likely stands still than not. ``reprojection_error`` is in per cent of the person's
    height, over keypoints with a confidence of at least ``CONFIDENT``; None if there are none.

    Args:
        motion: of one person.
        camera: the one it was estimated with; its lens, and what was known of it.

    Raises:
        MissingDependencyError: torch or roma can't be imported.
    """
    present = motion.confidence > 0
    steps = np.diff(motion.root_translation[:, :2], axis=0)
    errors = reprojection_errors(motion, camera)
    return {
        "kinelift": __version__,
        "source": motion.source,
        "person": motion.person_id,
        "frame_start": motion.frame_start,
        "frames": len(motion),
        "fps": motion.fps,
        "duration_s": len(motion) / motion.fps,
        "person_height_m": float(stature(lengths_from_rest_offsets(motion.rest_offsets))),
        "path_length_m": float(np.linalg.norm(steps, axis=-1).sum()),
        "camera": {
            "width": camera.width,
            "height": camera.height,
            "focal_px": camera.fx,
            "focal_source": "given" if camera.focal_known else "guessed",
            "pose_source": "estimated" if camera.world_from_camera is None else "given",
            "distortion": camera.distortion.model,
        },
        "mean_keypoint_confidence": float(motion.confidence[present].mean()) if present.any() else 0.0,
        "mean_frame_confidence": float(motion.frame_confidence.mean()),
        "frames_without_keypoints": int((~present.any(axis=1)).sum()),
        "contacts": {
            name: float((motion.contacts[:, index] > 0.5).mean()) for index, name in enumerate(CONTACT_NAMES)
        },
        "reprojection_error": {
            "median_percent": float(np.median(errors)),
            "percentile_95_percent": float(np.percentile(errors, 95)),
            "keypoints": len(errors),
        }
        if len(errors)
        else None,
    }


def reprojection_errors(motion: Motion, camera: Camera) -> Array:
    """How far the motion's keypoints lie from those of the input, in per cent of the person's height.

    The height is that of the standing person at the distance of Hips, so that bending down or raising the
    arms doesn't change the measure.

    Returns:
        (N,) of the confident keypoints that are in front of the camera.

    Raises:
        MissingDependencyError: torch or roma can't be imported.
    """
    try:
        import roma
        import torch

        from . import kinematics
    except ImportError as error:
        raise MissingDependencyError(
            f"the summary needs the Python package {error.name}; install torch and roma"
        ) from error
    lengths = lengths_from_rest_offsets(motion.rest_offsets)
    pose = kinematics.forward_kinematics(
        roma.unitquat_to_rotmat(torch.from_numpy(motion.rotations[..., [1, 2, 3, 0]])),
        torch.from_numpy(motion.rest_offsets),
        torch.from_numpy(motion.root_translation),
    )
    world = kinematics.keypoints(pose, torch.from_numpy(lengths)).numpy()
    pose_of_camera = np.broadcast_to(motion.world_from_camera, (len(motion), 4, 4))
    seen = np.einsum("tji,tkj->tki", pose_of_camera[:, :3, :3], world - pose_of_camera[:, None, :3, 3])
    depth = motion.joints_camera[:, 0, 2]
    height_px = camera.fy * float(stature(lengths)) / np.where(depth > 0, depth, np.nan)
    distance = np.linalg.norm(camera.project(seen) - motion.keypoints, axis=-1)
    percent = 100 * distance / height_px[:, None]
    return np.asarray(percent[(motion.confidence >= CONFIDENT) & np.isfinite(percent)])
