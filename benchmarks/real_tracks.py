"""How well takes of real videos lie on their own keypoints, and whether they look like people from the side.

    python -m benchmarks.real_tracks ../shared/keypoints/*/* --out build/real_tracks

Prints, per track, the distance from the reprojected keypoints to the detected ones in % of the person's
height in the picture, and writes a sheet per track: the take over its keypoints, from the camera, and from
the side. A flat person reprojects just as well, which is why the last row is there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from estimator.camera import Camera, pinhole
from estimator.camera_file import load_camera
from estimator.errors import InputError
from estimator.estimate import EstimateOptions, estimate_motion
from estimator.keypoint_set import KEYPOINT_LIMBS
from estimator.keypoints import read_keypoints
from estimator.motion import Motion
from estimator.motion_summary import reprojection_errors
from estimator.picture_size import guess_picture_size
from estimator.skeleton import PARENTS
from estimator.track import DEFAULT_FPS, KeypointTrack

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@dataclass(frozen=True)
class Reprojection:
    """Errors in % of the person's height in the picture, over confident keypoints."""

    median: float
    percentile_95: float


def reprojection(motion: Motion, camera: Camera) -> Reprojection:
    """How far the take lies from its own keypoints."""
    errors = reprojection_errors(motion, camera)
    return Reprojection(float(np.median(errors)), float(np.percentile(errors, 95)))


def _sheet(motion: Motion, camera: Camera, path: Path, columns: int = 8) -> None:
    """The take over its keypoints, and from the side, on frames spread over the clip."""
    frames = np.linspace(0, len(motion) - 1, columns).astype(int)
    figure, axes = plt.subplots(3, columns, figsize=(2.2 * columns, 7.5))
    projected = camera.project(motion.joints_camera)
    for column, frame in enumerate(frames):
        top, front, side = axes[:, column]
        detected = motion.keypoints[frame]
        for a, b in KEYPOINT_LIMBS:
            top.plot(*detected[[a, b]].T, color="0.6", lw=3)
        for joint, parent in enumerate(PARENTS[1:], start=1):
            top.plot(*projected[frame][[joint, parent]].T, color="C3", lw=1)
            points = motion.joints_world[frame][[joint, parent]]
            colour = "C0" if joint in _LEFT else "C1" if joint in _RIGHT else "0.2"
            front.plot(points[:, 0], points[:, 2], color=colour, lw=1.5)
            side.plot(points[:, 1], points[:, 2], color=colour, lw=1.5)
        top.invert_yaxis()
        top.set_title(f"frame {motion.frame_start + frame}", fontsize=7)
        for view, axis in ((front, 0), (side, 1)):
            middle = motion.root_translation[frame, axis]
            view.set_xlim(middle - 1.1, middle + 1.1)
            view.set_ylim(-0.2, 2.0)
            view.axhline(0, color="0.8", lw=0.5)
        for view in (top, front, side):
            view.set_aspect("equal")
            view.tick_params(labelsize=4)
    figure.suptitle(f"{motion.source}, person {motion.person_id}: picture; from the camera; from the side")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


_LEFT = {6, 7, 8, 9, 14, 15, 16, 17}
_RIGHT = {10, 11, 12, 13, 18, 19, 20, 21}


def _camera(track: KeypointTrack, path: Path | None) -> Camera:
    if path is not None:
        return load_camera(path)
    if track.width and track.height:
        return pinhole(track.width, track.height)
    return pinhole(*guess_picture_size([track]))


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description="reprojection and pictures of takes of real videos")
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--camera", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--no-refine", action="store_true")
    args = parser.parse_args()
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    rows: list[Reprojection] = []
    for path in args.inputs:
        try:
            track = read_keypoints(path)[0]
        except InputError as error:
            print(f"left out: {error}")
            continue
        track = track.with_picture(None, None, None if track.fps else DEFAULT_FPS)
        camera = _camera(track, args.camera)
        motion = estimate_motion(
            track, camera, EstimateOptions(refine=not args.no_refine, weights=args.weights)
        )
        row = reprojection(motion, camera)
        rows.append(row)
        figures = f"median {row.median:5.2f} %  95 % {row.percentile_95:6.2f} %"
        print(f"{path.name:32s} {len(track):5d} frames  {figures}", flush=True)
        if args.out:
            _sheet(motion, camera, args.out / f"{path.stem}.png")
    if rows:
        within = sum(row.median <= 2.5 and row.percentile_95 <= 6.0 for row in rows)
        print(f"{within} of {len(rows)} tracks within 2.5 % (median) and 6 % (95 % of the keypoints)")


if __name__ == "__main__":
    main()
