"""Clips converted without a window, by the script and in this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.headless.clip_scene import save_file
from kinelift_checkout.addon.headless.file_formats import IS_WHOLE
from kinelift_checkout.addon.headless.run import run_batch
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.text_lines import reason_of
from kinelift_checkout.estimator.atomic_write import written_whole
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.motion_npz import load_motion

from tests.addon.recordings import example_points, render_clip, write_coco
from tests.addon.reimporting import bone_heads, largest_difference, only_armature
from tests.addon.retarget.other_blender import run_in_other_blender
from tests.addon.retarget.rigs import build_preset

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "addon" / "batch.py"
SIZE = ("--size", "1280", "720", "--fps", "30")
FRAMES = 10
PICTURE = (1280, 720)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options for a quick estimate with an untrained network: what comes out of it is no matter here."""
    torch = pytest.importorskip("torch")
    from kinelift_checkout.estimator.generator import Generator, GeneratorConfig, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.pt"
    save_weights(path, Generator(GeneratorConfig(channels=16, dilations=(3,))), {})
    return ("--weights", str(path), "--no-refine", "--device", "cpu")


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """A clip with its video, one with two people and none, and one that is broken."""
    folder = tmp_path / "takes"
    folder.mkdir()
    render_clip(folder / "walk.mp4", PICTURE, FRAMES, 24)
    write_coco(folder / "walk.json", [example_points(FRAMES)])
    write_coco(folder / "two.json", [example_points(FRAMES), example_points(FRAMES, 300.0)])
    (folder / "bad.json").write_text("{")
    return folder


def written(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


def is_running(unfinished: Path) -> bool:
    """Whether the process that was making a file goes on; being killed takes its time."""
    try:
        status = Path(f"/proc/{unfinished.suffixes[-2][1:]}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status


def assert_whole(out: Path) -> None:
    """Every output can be read to its end."""
    for path in map(out.joinpath, written(out)):
        if path.suffix == ".npz":
            load_motion(path)
        else:
            assert IS_WHOLE[path.suffix[1:]](path), path


def test_a_bad_clip_among_good_ones(
    registered: None, takes: Path, quick: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    arguments = [
        *(str(takes), "--out", str(out), "--save", "blend,fbx,bvh,npz", "--report", str(report)),
        *(*SIZE, *quick, "--root-motion", "root-bone"),
        *("--plant-feet", "0.5", "--no-ground"),
    ]
    assert run_batch(arguments, "batch.py") == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    (error,) = (line for line in printed.err.splitlines() if line.startswith(("error: ", "fault: ")))
    assert "bad.json: no valid JSON" in error
    assert "3 clips: 2 converted, 1 failed" in printed.err.splitlines()[-1]
    two = [f"two_p{person}.{ending}" for person in (1, 2) for ending in ("bvh", "fbx", "npz")]
    walk = [f"walk_p1.{ending}" for ending in ("bvh", "fbx", "npz")]
    assert written(out) == ["two.blend", *two, "walk.blend", *walk]
    assert not list(out.glob(".*.part"))
    entries = {entry["name"]: entry for entry in json.loads(report.read_text())["inputs"]}
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "bad": "failed",
        "two": "converted",
        "walk": "converted",
    }
    assert entries["bad"]["errors"] == [error.removeprefix("error: ")]
    assert entries["walk"]["outputs"] == [str(out / "walk.blend")]

    for name in ("two_p1", "two_p2", "walk_p1"):
        assert largest_difference(out / f"{name}.fbx", out / f"{name}.npz") < 1e-3
    assert load_motion(out / "walk_p1.npz").fps == 30.0  # as asked for
    assert "Frame Time: 0.033333" in (out / "walk_p1.bvh").read_text()

    bpy.ops.wm.open_mainfile(filepath=str(out / "walk.blend"))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == (1, FRAMES, 30)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (1280, 720)
    (background,) = scene.camera.data.background_images
    assert Path(bpy.path.abspath(background.clip.filepath)) == takes / "walk.mp4"
    assert background.clip.size[:] == (1280, 720)
    assert scene.kinelift.clip == background.clip
    panel = scene.kinelift
    assert panel.keypoints_path == str(takes / "walk.json")
    assert (panel.fps, panel.refine, panel.root_mode) == (30.0, False, "ROOT_BONE")
    assert (panel.contact_strength, panel.on_ground) == (0.5, False)
    assert np.abs(bone_heads(only_armature()) - load_motion(out / "walk_p1.npz").joints_world).max() < 1e-4

    bpy.ops.wm.open_mainfile(filepath=str(out / "two.blend"))
    assert sum(found.type == "ARMATURE" for found in bpy.data.objects) == 2
    assert bpy.context.scene.kinelift.clip is None
    assert [person.selected for person in bpy.context.scene.kinelift.people] == [True, True]


def test_resume_makes_only_what_is_missing_or_broken(
    registered: None, quick: tuple[str, ...], tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    for name in ("a", "b", "c"):
        write_coco(tmp_path / f"{name}.json", [example_points(FRAMES)])
    arguments = [
        *(str(tmp_path / "*.json"), "--out", str(out), "--save", "blend,fbx,npz", "--report", str(report)),
        *(*SIZE, *quick, "--resume"),
    ]

    def statuses() -> dict[str, str]:
        assert run_batch(arguments, "batch.py") == 0
        entries = json.loads(report.read_text())["inputs"]
        report.unlink()
        return {entry["name"]: entry["status"] for entry in entries}

    assert set(statuses().values()) == {"converted"}
    (out / "a.blend").unlink()
    cut = (out / "b_p1.fbx").read_bytes()[:-100]
    (out / "b_p1.fbx").write_bytes(cut)
    with written_whole(tmp_path / "x") as beside:
        beside.touch()
    killed = beside.name.replace(f".{os.getpid()}-", ".999999999-").removeprefix(".x")
    (out / f".c_p1.npz{killed}").write_bytes(b"half")
    (out / f".c{killed}").mkdir()
    somebodys = out / f".other{killed}"
    somebodys.write_bytes(b"half")
    assert statuses() == {"a": "converted", "b": "converted", "c": "skipped"}
    assert set(statuses().values()) == {"skipped"}
    assert_whole(out)
    assert list(out.glob(".*.part")) == [somebodys]


@pytest.mark.skipif(os.name == "nt", reason="kills a group of processes")
def test_a_run_that_is_killed_leaves_only_whole_files_and_is_resumed(
    registered: None, quick: tuple[str, ...], tmp_path: Path
) -> None:
    out, names = tmp_path / "out", ["a", "b", "c", "d", "e", "f"]
    for name in names:
        write_coco(tmp_path / f"{name}.json", [example_points(FRAMES)])
    arguments = [str(tmp_path / "*.json"), "--out", str(out), "--save", "blend,fbx,npz", *SIZE, *quick]
    batch = subprocess.Popen(
        [sys.executable, SCRIPT, "--", *arguments, "--jobs", "2"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while batch.poll() is None and not (out.is_dir() and written(out)):
        time.sleep(0.02)
    assert batch.poll() is None
    os.killpg(batch.pid, signal.SIGKILL)
    batch.wait()
    while any(is_running(found) for found in out.glob(".*.part")):
        time.sleep(0.02)
    assert len(written(out)) < 3 * len(names)
    assert_whole(out)
    assert run_batch([*arguments, "--resume"], "batch.py") == 0
    assert len(written(out)) == 3 * len(names)
    assert_whole(out)
    assert not list(out.glob(".*.part"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the process by Linux's /proc")
def test_a_blender_that_dies_loses_only_its_clip(
    registered: None, quick: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One of them waits for a video that never comes, and is killed."""
    pipe = tmp_path / "stuck.mp4"
    os.mkfifo(pipe)
    for name in ("stuck", "a", "b"):
        write_coco(tmp_path / f"{name}.json", [example_points(FRAMES)])

    def kill_who_reads() -> None:
        while True:
            for link in Path("/proc").glob("[0-9]*/wchan"):
                process = link.parent
                try:
                    is_worker = b"--worker" in (process / "cmdline").read_bytes()
                    waits = "wait_for_partner" in link.read_text()
                except OSError:
                    continue
                if is_worker and waits:
                    os.kill(int(process.name), signal.SIGKILL)
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill_who_reads, daemon=True)
    killer.start()
    inputs = [str(tmp_path / name) for name in ("stuck.mp4", "a.json", "b.json")]
    out = tmp_path / "out"
    assert (
        run_batch([*inputs, "--out", str(out), "--save", "npz", "--jobs", "2", *SIZE, *quick], "batch.py")
        == 1
    )
    killer.join(5)
    (fault,) = (line for line in capfd.readouterr().err.splitlines() if line.startswith(("error", "fault")))
    assert "stuck.json: not converted, because its Blender ended abruptly (signal 9" in fault
    assert written(out) == ["a_p1.npz", "b_p1.npz"]


def test_the_script_says_who_it_is_and_writes_gltf_and_usd(quick: tuple[str, ...], tmp_path: Path) -> None:
    video = render_clip(tmp_path / "walk.mp4", PICTURE, FRAMES, 24)
    write_coco(tmp_path / "walk.json", [example_points(FRAMES)])
    done = subprocess.run(
        [sys.executable, SCRIPT, "--", video, "--out", tmp_path / "out", "--save", "glb,usd,npz", *quick],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (introduction,) = done.stdout.splitlines()
    assert introduction.startswith("Kinelift ")
    assert str(REPOSITORY) in introduction
    assert all(line.startswith("[") for line in done.stderr.splitlines()), done.stderr
    assert f"[1/1] walk: {FRAMES} frames" in done.stderr
    npz = tmp_path / "out" / "walk_p1.npz"
    assert load_motion(npz).fps == 24.0  # the video's
    for ending in ("glb", "usd"):
        # In a Blender of its own: this one could not end after glTF.
        printed = run_in_other_blender(f"""
            sys.path.insert(0, {str(REPOSITORY)!r})
            from pathlib import Path
            from tests.addon.reimporting import largest_difference
            npz = Path({str(npz)!r})
            print("difference", largest_difference(npz.with_suffix({"." + ending!r}), npz))
        """)
        difference = float(printed.split("difference ")[1].split()[0])
        assert difference < 1e-3, ending


def test_a_character_gets_the_motion(registered: None, quick: tuple[str, ...], tmp_path: Path) -> None:
    mixamo = next(preset for preset in presets() if preset.name == "mixamo")
    rig = build_preset(mixamo)
    rig.name = "Hero"
    mesh = bpy.data.meshes.new("Body")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    body = bpy.data.objects.new("Body", mesh)
    body.parent = rig
    body.modifiers.new("Armature", "ARMATURE").object = rig
    bpy.context.scene.collection.objects.link(body)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Lamp post", None))
    library = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    hips = mixamo.bones["hips"]

    write_coco(tmp_path / "walk.json", [example_points(FRAMES)])
    out = tmp_path / "out"
    arguments = [str(tmp_path / "walk.json"), "--out", str(out), "--save", "blend,fbx,bvh", *SIZE, *quick]
    assert run_batch([*arguments, "--retarget", f"{library}:Hero"], "batch.py") == 0
    assert written(out) == ["walk.blend", "walk_p1.bvh", "walk_p1.fbx"]
    bpy.ops.wm.open_mainfile(filepath=str(out / "walk.blend"))
    assert "Lamp post" not in bpy.data.objects
    assert bpy.data.objects["Body"].users_collection
    hero = bone_heads(bpy.data.objects["Hero"], (hips,))
    assert np.ptp(hero, axis=0).max() > 0.001
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(out / "walk_p1.fbx"))
    assert "Body" in bpy.data.objects
    assert np.abs(bone_heads(only_armature(), (hips,)) - hero).max() < 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--save", "npz,xyz"), "'xyz' is none of blend,fbx,glb,usd,npz,bvh,json"),
        (("--out", "FILE"), "the folder can't be made (File exists)"),
        (("--report", "FILE/report.json"), "the folder can't be made"),
        (("--retarget", "none.blend:Rig"), "none.blend: there is no such file"),
        (("--retarget", "FILE:Rig"), "a.json: can't be read as a .blend"),
        (("--retarget", "BLEND:Rig"), "empty.blend: there is no armature in it"),
        (("--root-motion", "object"), "is for characters"),
        (("--bone-map", "map.json"), "--bone-map is of a character"),
        (("--camera", "none.json"), "none.json"),
        (("--scheduler", "tcp://10.0.0.1:1"), "python -m estimator estimate --scheduler"),
    ],
)
def test_arguments_that_cannot_be_used(
    options: tuple[str, str],
    message: str,
    registered: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = write_coco(tmp_path / "a.json", [example_points(FRAMES)])
    blend = tmp_path / "empty.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    given = [option.replace("FILE", str(file)).replace("BLEND", str(blend)) for option in options]
    capfd.readouterr()
    assert run_batch([str(file), "--out", str(tmp_path / "out"), *given], "batch.py") == 2
    printed = capfd.readouterr()
    (line,) = printed.err.splitlines()
    assert message in line
    assert printed.out == ""
    assert not (tmp_path / "out").exists() or not written(tmp_path / "out")


def test_a_video_alone_says_what_is_missing(
    registered: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    video = render_clip(tmp_path / "walk.mp4", (64, 36), 3)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    write_coco(tmp_path / "broken.json", [example_points(FRAMES)])
    inputs = [str(video), str(tmp_path / "broken.json"), str(tmp_path / "none.mp4")]
    assert run_batch([*inputs, "--out", str(tmp_path / "out")], "batch.py") == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "walk.mp4: no keypoints lie beside this video under its name, such as walk.json" in errors[0]
    assert "broken.mp4: the video can't be read" in errors[1]
    assert "none.mp4: the video can't be read" in errors[2]
    assert len(errors) == 3


def test_what_blender_could_not_write_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        save_file(tmp_path / "gone" / "walk.blend")
    assert str(raised.value).startswith("walk.blend wasn't saved: ")
    assert str(raised.value).endswith("; check its folder and the free space")
    assert "\n" not in str(raised.value)
    failed = RuntimeError(
        "Error: Python: Traceback (most recent call last):\n  File …\n"
        "OSError: [Errno 28] No space left on device\nLocation: /…/bpy/ops.py:109\n"
    )
    assert reason_of(failed) == "OSError: [Errno 28] No space left on device"
