"""A take estimated from one calibrated camera, projected into another that filmed the same person.

    python -m benchmarks.cross_camera ../shared/real-eval/pose2sim_balancing_cam01 \
        ../shared/real-eval/pose2sim_balancing_cam03 --fps 60

Each folder holds ``keypoints/`` and ``camera.json``; frames with the same number were filmed at the same
time. Prints the distance from the projected to the detected keypoints in % of the person's height in the
picture, one way and the other, and each camera's own for comparison. Depth that one camera gets wrong shows
in the other.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from estimator.camera import Camera
from estimator.camera_file import load_camera
from estimator.estimate import EstimateOptions, estimate_motion
from estimator.keypoints import read_keypoints
from estimator.motion import Motion
from estimator.motion_summary import reprojection_errors
from estimator.track import KeypointTrack


def _seen_from(motion: Motion, camera: Camera, track: KeypointTrack) -> Motion:
    """The same take with another camera and what that camera's detector saw, on the frames of both."""
    first = max(motion.frame_start, track.frame_start)
    last = min(motion.frame_start + len(motion), track.frame_start + len(track))
    rows = slice(first - motion.frame_start, last - motion.frame_start)
    other = track.sliced(first, last - 1)
    pose = camera.world_from_camera
    assert pose is not None and pose.ndim == 2
    world = motion.joints_world[rows]
    return replace(
        motion,
        frame_start=first,
        root_translation=motion.root_translation[rows],
        rotations=motion.rotations[rows],
        joints_world=world,
        joints_camera=(world - pose[:3, 3]) @ pose[:3, :3],
        world_from_camera=pose,
        intrinsics=camera.intrinsics,
        keypoints=other.keypoints,
        confidence=other.confidence,
    )


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description="takes of one camera seen from another")
    parser.add_argument("folders", nargs=2, type=Path)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--height", type=float, help="of the person, metres")
    args = parser.parse_args()
    cameras = [load_camera(folder / "camera.json") for folder in args.folders]
    tracks = [read_keypoints(folder / "keypoints", fps=args.fps)[0] for folder in args.folders]
    for one, two in ((0, 1), (1, 0)):
        motion = estimate_motion(tracks[one], cameras[one], EstimateOptions(person_height=args.height))
        seen = _seen_from(motion, cameras[two], tracks[two])
        for name, errors in (
            (f"{args.folders[one].name} in itself", reprojection_errors(motion, cameras[one])),
            (
                f"{args.folders[one].name} in {args.folders[two].name}",
                reprojection_errors(seen, cameras[two]),
            ),
        ):
            print(f"{name}: median {np.median(errors):.2f} %, 95 % within {np.percentile(errors, 95):.2f} %")


if __name__ == "__main__":
    main()
