"""The arguments of the commands: the estimator's own, and those that only Blender understands."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from ...estimator.command_line import estimate
from ...estimator.command_line.settings import Settings
from ...estimator.errors import InputError
from .character import parse_character
from .file_formats import BLEND, BVH, ENDINGS, EXPORTED, FBX_PROGRAMS, require_exporter
from .motion_source import MOTION_ENDINGS
from .settings import BatchSettings

_ROOT_MOTIONS = {"hips": "HIPS", "root-bone": "ROOT_BONE", "object": "OBJECT", "in-place": "IN_PLACE"}
_NEEDS_CHARACTER = ("object",)


def add_estimate_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of ``python -m estimator estimate``, but for what needs a Python of one's own.

    Args:
        parser: with ``conflict_handler="resolve"``.
    """
    estimate.add_arguments(parser)
    parser.add_argument("--scheduler", type=_no_scheduler, help=argparse.SUPPRESS)
    _add_debug(parser)
    parser.set_defaults(retarget=None, bone_map=None, fbx_for=FBX_PROGRAMS[0], root_motion="hips")


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    """Those, and what Blender makes of the motion.

    Args:
        parser: with ``conflict_handler="resolve"``.
    """
    add_estimate_arguments(parser)
    _add_save(parser, ENDINGS, (BLEND, "npz"))
    parser.add_argument(
        "--retarget",
        metavar="FILE.blend:ARMATURE",
        help="put each person's motion on this character, and export the character",
    )
    _add_export_arguments(parser)


def add_retarget_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of ``retarget``, whose inputs are motions."""
    parser.add_argument(
        "inputs", nargs="+", metavar="MOTION", help=f"file of {', '.join(MOTION_ENDINGS)}, folder, or pattern"
    )
    parser.add_argument(
        "--character",
        dest="retarget",
        required=True,
        metavar="FILE.blend:ARMATURE",
        help="who is to move like that",
    )
    parser.add_argument(
        "--out", type=estimate.folder_path, required=True, metavar="DIR", help="folder for the outputs"
    )
    _add_save(parser, (BLEND, *EXPORTED, BVH), (BLEND,))
    _add_export_arguments(parser)
    parser.add_argument("--jobs", type=estimate.count, default=1, metavar="N", help="Blenders at once")
    parser.add_argument("--resume", action="store_true", help="keep outputs that are there and up to date")
    parser.add_argument("--report", type=Path, metavar="R.json", help="write what became of every input")
    _add_debug(parser)
    parser.set_defaults(threads=None)


def batch_settings(args: argparse.Namespace) -> BatchSettings:
    """What the arguments of ``batch`` and ``estimate`` ask for. Leaves an empty file behind.

    Raises:
        InputError: they can't be used; one line.
    """
    if args.retarget is None and args.bone_map is not None:
        raise InputError("--bone-map is of a character; give --retarget character.blend:Armature too")
    if args.retarget is None and args.root_motion in _NEEDS_CHARACTER:
        raise InputError(f"--root-motion {args.root_motion} is for characters; give --retarget too")
    kinds, args.save = args.save, _without_blend(args.save)
    return _settings(args, estimate.settings_from(args), blend=BLEND in kinds, motions=False)


def retarget_settings(args: argparse.Namespace) -> BatchSettings:
    """What the arguments of ``retarget`` ask for. Leaves an empty file behind.

    Raises:
        InputError: they can't be used; one line.
    """
    own = Settings(out=args.out, save=_without_blend(args.save), resume=args.resume)
    return _settings(args, own, blend=BLEND in args.save, motions=True)


def _settings(args: argparse.Namespace, own: Settings, *, blend: bool, motions: bool) -> BatchSettings:
    """With all that can be checked before the work; the folders for outputs and report are made."""
    settings = BatchSettings(
        own,
        blend,
        None if args.retarget is None else parse_character(args.retarget, args.bone_map),
        args.fbx_for,
        _ROOT_MOTIONS[args.root_motion],  # type: ignore[arg-type]
        motions,
        quiet=not args.debug,
    )
    for ending in settings.exported:
        try:
            require_exporter(ending, settings.fbx_for)
        except InputError as error:
            raise InputError(f"--save {ending}: {error}") from None
    for folder in (own.out, *((args.report.parent,) if args.report else ())):
        _require_writable(folder)
    return settings


def _without_blend(endings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(ending for ending in endings if ending != BLEND)


def _require_writable(folder: Path) -> None:
    estimate.make_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: can't be written to ({error.strerror}); choose another folder") from None


def _add_save(parser: argparse.ArgumentParser, known: Collection[str], default: tuple[str, ...]) -> None:
    parser.add_argument(
        "--save",
        type=_endings(known),
        default=default,
        metavar="KINDS",
        help=f"what to write, of {','.join(known)} (default: {','.join(default)})",
    )


def _add_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bone-map",
        type=Path,
        metavar="FILE",
        help="the character's bones, as the Retarget panel saves them (default: found out)",
    )
    parser.add_argument(
        "--root-motion",
        choices=_ROOT_MOTIONS,
        default="hips",
        help="what carries the motion through the scene (default: hips)",
    )
    parser.add_argument(
        "--fbx-for",
        choices=FBX_PROGRAMS,
        default=FBX_PROGRAMS[0],
        help=f"whose axes and scale FBX files have (default: {FBX_PROGRAMS[0]})",
    )


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug", action="store_true", help="show where a fault is, and what Blender prints")


def _endings(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def parsed(text: str) -> tuple[str, ...]:
        endings = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
        unknown = [ending for ending in endings if ending not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {','.join(known)}")
        return endings

    return parsed


def _no_scheduler(text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(
        "a Dask cluster makes no files of Blender; use --jobs, or python -m estimator estimate --scheduler"
    )
