"""``blender --command kinelift``: what follows it is done, and the command goes with the extension."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout import addon
from kinelift_checkout.addon import command
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.estimator.keypoints import FORMATS
from kinelift_checkout.estimator.motion_bvh import save_bvh
from kinelift_checkout.estimator.motion_npz import save_motion

from tests.addon.recordings import example_person, example_points, write_coco
from tests.addon.reimporting import bone_heads
from tests.addon.retarget.rigs import build_preset


def test_the_command_comes_and_goes_with_the_extension() -> None:
    assert not command._registered
    addon.register()
    assert len(command._registered) == 1
    addon.unregister()
    assert not command._registered


def test_formats_are_listed(registered: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.run(["formats"]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("Kinelift ")
    assert all(known.name in printed for known in FORMATS)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["batch", "--help"], ["retarget", "-h"]])
def test_help_is_given(arguments: list[str], registered: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.run(arguments) == 0
    assert f"usage: blender --command kinelift {' '.join(arguments[:1]).replace('--help', '')}".strip() in (
        capfd.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert"], "'convert' is none of batch, estimate, retarget, formats"),
        (["batch", "a.json"], "the following arguments are required: --out"),
        (["estimate", "a.json", "--out", "OUT", "--save", "fbx"], "'fbx' is none of npz,bvh,json"),
        (["estimate", "a.json", "--out", "OUT", "--retarget", "a.blend"], "--retarget"),
        (["retarget", "a.npz", "--out", "OUT"], "the following arguments are required: --character"),
        (
            ["retarget", "a.npz", "--out", "OUT", "--character", "none.blend:Rig"],
            "none.blend: there is no such file",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], message: str, registered: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.run([argument.replace("OUT", str(tmp_path / "out")) for argument in arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert message in line


def test_estimate_writes_what_the_estimator_writes(registered: None, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from kinelift_checkout.estimator.generator import Generator, GeneratorConfig, save_weights

    torch.manual_seed(0)
    save_weights(tmp_path / "untrained.pt", Generator(GeneratorConfig(channels=16, dilations=(3,))), {})
    clip = write_coco(tmp_path / "a.json", [example_points(10)])
    arguments = ["estimate", str(clip), "--out", str(tmp_path / "out"), "--save", "npz,json", "--no-refine"]
    assert command.run([*arguments, "--weights", str(tmp_path / "untrained.pt")]) == 0
    written = sorted(path.name for path in (tmp_path / "out").glob("*"))
    assert [name for name in written if not name.startswith(".")] == ["a_p1.json", "a_p1.npz"]


def test_retarget_puts_motions_on_a_character(
    registered: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same motion from an .npz and from a .bvh, which has no place for the camera, comes out the same."""
    mixamo = next(preset for preset in presets() if preset.name == "mixamo")
    build_preset(mixamo).name = "Hero"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "hero.blend"))
    motions = tmp_path / "motions"
    motions.mkdir()
    save_motion(motions / "walk.npz", example_person())
    save_bvh(motions / "copy.bvh", example_person())
    (motions / "bad.bvh").write_text("HIERARCHY\nnothing")
    out = tmp_path / "out"
    arguments = [
        "retarget",
        str(motions),
        "--character",
        f"{tmp_path / 'hero.blend'}:Hero",
        "--out",
        str(out),
    ]
    assert command.run([*arguments, "--save", "blend,fbx"]) == 1
    (error,) = (line for line in capfd.readouterr().err.splitlines() if line.startswith(("error", "fault")))
    assert "bad.bvh: no armature moves in it" in error
    written = sorted(path.name for path in out.glob("*") if not path.name.startswith("."))
    assert written == ["copy.blend", "copy.fbx", "walk.blend", "walk.fbx"]
    bones = tuple(mixamo.bones[human] for human in ("hips", "left_foot", "right_hand"))
    heads = []
    for name in ("walk", "copy"):
        bpy.ops.wm.open_mainfile(filepath=str(out / f"{name}.blend"))
        assert bpy.context.scene.render.fps == round(example_person().fps)
        heads.append(bone_heads(bpy.data.objects["Hero"], bones))
    assert np.ptp(heads[0], axis=0).max() > 1.0
    assert np.abs(heads[0] - heads[1]).max() < 0.05
    assert command.run([*arguments, "--save", "blend,fbx", "--resume"]) == 1
    assert capfd.readouterr().err.count("there already") == 3
