"""Batches in the real Blender, without a window: real tracks to files, which are opened there again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.gui.installed_zip import (
    EXTENSION,
    REPOSITORY,
    InstalledZip,
    Outcome,
    example_footage,
    installed_zip,
    outcome,
)
from tests.gui.real_blender import WORK

_SHARED = REPOSITORY.parent / "shared" / "keypoints"
_TRACKS = ("mediapipe33/posetriplet_test1.json", "openpose_body25/motionet_1", "openpose_coco18/bicep_bad_1")
_SECONDS = 1800.0
_COMMAND = ("blender", "--command", "kinelift")
_BATCH = (*_COMMAND, "batch")
_SCRIPT = (
    *("blender", "-b", "--python-exit-code", "1"),
    *("--python", EXTENSION / "addon" / "batch.py", "--", "--installed"),
)
_KINDS = "blend,fbx,glb,bvh"
_REREAD = ("blender", "-b", "--factory-startup", "--python-exit-code", "1")


def check_batch(folder: Path, out: Path) -> Outcome:
    """Converts in the real Blender of ``folder``; log and report come to ``out``."""
    failures: list[str] = []

    def expect(what: str, found: object, wanted: object) -> None:
        if found != wanted:
            failures.append(f"{what}: {found}, not {wanted}")

    with installed_zip(folder, out) as blender:
        names = _lay_out(blender.work / "tracks")
        tracks, made = WORK / "tracks", ("--out", WORK / "made", "--fps", "25")

        # Debian's builds have no USD, those of blender.org do.
        status = blender.run([*_BATCH, tracks / "example.mp4", *made, "--save", "usd"], _SECONDS)
        if status:
            expect("a kind of file that this Blender can't write is refused", status, 2)
            expect("it is said", "error: --save usd: " in blender.log.read_text(), True)
            expect("before any work", (blender.work / "made").exists(), False)
        kinds = _KINDS if status else f"{_KINDS},usd"
        whole = [*made, "--save", f"npz,{kinds}", "--report", WORK / "out" / "batch.json"]

        batch = [*_BATCH, tracks, *whole, "--jobs", "2"]
        expect("a batch with a broken clip", blender.run(batch, _SECONDS), 1)
        statuses = _statuses(blender)
        expect("of all clips", statuses, {**dict.fromkeys(names, "converted"), "broken": "failed"})
        expect("it again, resumed", blender.run([*batch, "--resume"], _SECONDS), 1)
        statuses = _statuses(blender)
        expect("of all clips", statuses, {**dict.fromkeys(names, "skipped"), "broken": "failed"})

        script = [*_SCRIPT, tracks / "example.mp4", "--out", WORK / "by_script", "--save", "npz,fbx"]
        expect("the script", blender.run(script, _SECONDS), 0)

        expect("formats", blender.run([*_COMMAND, "formats"], _SECONDS), 0)
        people = [*_COMMAND, "estimate", tracks / "example", "--out", WORK / "estimated"]
        expect("estimate", blender.run([*people, "--save", "bvh,npz"], _SECONDS), 0)
        # The character has a motion already, which must not be mixed with the new one.
        example = f"{WORK / 'made' / 'example.blend'}:example Person 1"
        moved = [*_COMMAND, "retarget", WORK / "made" / "example_p1.npz", "--character", example]
        moved = [*moved, "--out", WORK / "retargeted", "--save", "blend,fbx,glb,bvh"]
        moved = [*moved, "--root-motion", "in-place"]
        expect("retarget", blender.run(moved, _SECONDS), 0)

        folders = (
            f"{WORK / 'made'}:{kinds}",
            f"{WORK / 'by_script'}:fbx",
            f"{WORK / 'estimated'}:bvh",
            f"{WORK / 'retargeted'}:fbx,glb,bvh:example Person 1",
        )
        reread = [*_REREAD, "--python", WORK / "inside" / "reread.py", "--", *folders]
        status = blender.run(reread, _SECONDS)
    found = outcome(out, status)
    return Outcome((*failures, *found.failures), found.measures, found.pictures, found.output)


def _lay_out(tracks: Path) -> list[str]:
    """The example with its film, real tracks if they are there, and a broken file; the good ones' names."""
    film, keypoints = example_footage()
    shutil.copytree(keypoints, tracks / keypoints.name)
    shutil.copy(film, tracks)
    (tracks / "broken.json").write_text("{")
    names = [film.stem]
    for track in _TRACKS:
        if not (_SHARED / track).exists():
            print(f"batch_check.py: without {track}: {_SHARED} isn't there")
            continue
        copied = tracks / Path(track).name
        copy = shutil.copytree if (_SHARED / track).is_dir() else shutil.copy
        copy(_SHARED / track, copied)
        names.append(copied.stem)
    return names


def _statuses(blender: InstalledZip) -> dict[str, Any]:
    """What the batch's report says of each clip."""
    report = blender.work / "out" / "batch.json"
    if not report.exists():
        return {}
    return {one["name"]: one["status"] for one in json.loads(report.read_text())["inputs"]}
