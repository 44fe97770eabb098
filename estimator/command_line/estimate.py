"""``python -m estimator estimate``: clips of 2D keypoints to files with 3D motion."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..camera_file import load_camera
from ..errors import InputError
from ..estimate import MOST_CAMERA_HEIGHT, PERSON_HEIGHTS, EstimateOptions
from ..keypoints import AUTO, FORMATS
from ..track import DEFAULT_FPS, FRAME_RATES
from . import cluster
from .clips import Clip, check_report, find_clips
from .outputs import OUTPUT_ENDINGS
from .pool import results
from .result import ClipResult
from .running import Show, run_clips
from .settings import ALL_PEOPLE, LARGEST_PERSON, Settings

EXIT_DONE, EXIT_FAULT, EXIT_INPUT = 0, 1, 2

DEVICES = ("auto", "cpu", "cuda", "mps")
_ABOVE_ZERO = sys.float_info.min


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``run``."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="keypoint file, folder, or pattern")
    parser.add_argument("--out", type=folder_path, required=True, metavar="DIR", help="folder for outputs")
    parser.add_argument(
        "--save",
        type=_endings,
        default=("npz",),
        metavar="KINDS",
        help="what to write per person, of npz,bvh,json (default: npz)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=count, default=1, metavar="N", help="clips at once (default: 1)")
    where.add_argument(
        "--scheduler",
        type=_address,
        metavar="tcp://…",
        help="have the workers of a Dask cluster estimate; they need Kinelift, but not the files",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep outputs that are there and were made from the same keypoints with the same settings",
    )
    parser.add_argument("--report", type=Path, metavar="R.json", help="write what became of every input")
    parser.add_argument(
        "--keypoint-format",
        choices=(AUTO, *(known.name for known in FORMATS)),
        default=AUTO,
        metavar="NAME",
        help="format of the inputs (default: auto; list them with the command formats)",
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=count,
        metavar=("W", "H"),
        help="of the picture in pixels (default: what the file says, else a guess from the keypoints)",
    )
    parser.add_argument(
        "--fps",
        type=_number(*FRAME_RATES, "clip's frame rate; give {:g} to {:g}".format(*FRAME_RATES)),
        metavar="F",
        help=f"frames per second of the clip (default: what the file says, else {DEFAULT_FPS:g})",
    )
    lens = parser.add_mutually_exclusive_group()
    lens.add_argument(
        "--focal-px",
        type=_number(_ABOVE_ZERO, sys.float_info.max, "positive number"),
        metavar="F",
        help="focal length in pixels (default: the picture's diagonal)",
    )
    lens.add_argument("--camera", type=Path, metavar="camera.json", help="file with the clip's camera")
    parser.add_argument(
        "--height",
        type=_number(*PERSON_HEIGHTS, "person's height; give it in metres, such as 1.75"),
        metavar="M",
        help="the person's standing height in metres; of several people, the first one's",
    )
    parser.add_argument(
        "--person",
        type=_person,
        default=ALL_PEOPLE,
        metavar="WHO",
        help="all (default), largest, or a number",
    )
    parser.add_argument(
        "--range", nargs=2, type=int, metavar=("A", "B"), help="first and last frame; 0 is the clip's first"
    )
    parser.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="move each take onto its own keypoints after the network's answer (default: yes)",
    )
    parser.add_argument(
        "--plant-feet",
        type=_number(0.0, 1.0, "number from 0 to 1"),
        default=1.0,
        metavar="S",
        help="how firmly refinement keeps standing feet from sliding, 0 (not at all) to 1 (default)",
    )
    parser.add_argument(
        "--ground",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put feet that stand near the ground on it; --no-ground for stairs, ladders and beams",
    )
    parser.add_argument(
        "--camera-height",
        type=_number(
            _ABOVE_ZERO,
            MOST_CAMERA_HEIGHT,
            f"camera's height; give it in metres, up to {MOST_CAMERA_HEIGHT:g}",
        ),
        metavar="M",
        help="metres from the ground to a camera whose place isn't known otherwise",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="of a generator that you trained, instead of those that ship",
    )
    parser.add_argument("--threads", type=count, metavar="N", help="CPU threads of each job or worker")


def run(args: argparse.Namespace) -> int:
    """Converts all inputs; what fails doesn't stop the rest.

    Returns:
        0 if all went well, 1 if there was a fault of ours, else 2: an input can't be used.

    Raises:
        InputError: before any work: arguments that don't fit each other, outputs that would collide.
        Stopped: see ``run_clips``.
    """
    settings = settings_from(args)
    clips = find_clips(args.inputs, settings.out, settings.save)
    if args.report:
        check_report(args.report, clips, settings.out)
    for folder in (settings.out, *((args.report.parent,) if args.report else ())):
        make_folder(folder)

    def start(show: Show) -> Iterator[tuple[Clip, ClipResult]]:
        if args.scheduler:
            return cluster.results(clips, settings, args.scheduler, args.threads)
        return results(clips, settings, min(args.jobs, len(clips)), args.threads, show)

    done = run_clips(clips, start, settings.out, args.report, debug=args.debug)
    if any(result.fault is not None for result in done):
        return EXIT_FAULT
    return EXIT_INPUT if any(result.errors for result in done) else EXIT_DONE


def settings_from(args: argparse.Namespace) -> Settings:
    """What the arguments ask for.

    Raises:
        InputError: they don't fit each other, or the camera's file can't be used.
    """
    if args.range and args.range[0] > args.range[1]:
        raise InputError(f"--range {args.range[0]} {args.range[1]}: the first frame is after the last")
    camera = load_camera(args.camera) if args.camera else None
    if camera is not None and args.size and tuple(args.size) != (camera.width, camera.height):
        raise InputError(
            f"--size {args.size[0]} {args.size[1]}: {args.camera} is for {camera.width} × {camera.height}; "
            "leave one of them out"
        )
    return Settings(
        out=args.out,
        save=args.save,
        resume=args.resume,
        keypoint_format=args.keypoint_format,
        size=tuple(args.size) if args.size else None,
        fps=args.fps,
        focal_px=args.focal_px,
        camera=camera,
        person=args.person,
        frames=tuple(args.range) if args.range else None,
        options=EstimateOptions(
            person_height=args.height,
            refine=args.refine,
            on_ground=args.ground,
            camera_height=args.camera_height,
            contact_strength=args.plant_feet,
            device=args.device,
            weights=args.weights,
        ),
    )


def make_folder(folder: Path) -> None:
    """Makes an output folder where it is missing; raises InputError if that can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: the folder can't be made ({error.strerror})") from None


def _endings(text: str) -> tuple[str, ...]:
    endings = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [ending for ending in endings if ending not in OUTPUT_ENDINGS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {','.join(OUTPUT_ENDINGS)}")
    return endings


def count(text: str) -> int:
    """The argument of an option that wants a number of threads or jobs."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no whole number from 1 to 9999")
    return int(text)


def folder_path(text: str) -> Path:
    """The argument of an option that wants a folder."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a folder")
    return Path(text)


def _address(text: str) -> str:
    if not re.fullmatch(r"(tcp|tls|wss?)://[^/\s]+:[0-9]{1,5}/?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no scheduler's address, such as tcp://10.0.0.1:8786")
    return text


def _number(least: float, most: float, what: str) -> Callable[[str], float]:
    """The argument of an option that wants a number within limits; ``what`` says of which kind."""

    def parsed(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
        return value

    return parsed


def _person(text: str) -> str:
    if text in {ALL_PEOPLE, LARGEST_PERSON}:
        return text
    try:
        return str(count(text))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither all, largest nor a person's number") from None
