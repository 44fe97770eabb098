"""Files written here as each tool documents its output, read back."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.keypoints import FORMATS, read_keypoints, recognise_format
from estimator.keypoints.layouts import (
    BODY25,
    BODY25B,
    COCO17,
    COCO18,
    HALPE26,
    HALPE136,
    MEDIAPIPE33,
    MEDIAPIPE_NAMES,
    WHOLEBODY133,
    KeypointLayout,
)
from estimator.track import KeypointTrack

FRAMES = 6


def positions(people: SimpleNamespace, step: float = 5.0, start: float = 300.0) -> list[Any]:
    """A person who walks to the right, (26, 3) for each frame."""
    return [people.stick_figure(start + step * frame) for frame in range(FRAMES)]


def expect(
    track: KeypointTrack, walk: list[Any], layout: KeypointLayout, first: int, tolerance: float = 1e-6
) -> None:
    """The track is ``walk`` in the points that ``layout`` has, and nothing in the others."""
    assert (track.frame_start, len(track)) == (first, len(walk))
    has = [KEYPOINT_INDEX[name] for name in layout.names if name is not None]
    wanted = np.array(walk)
    np.testing.assert_allclose(track.keypoints[:, has], wanted[:, has, :2], atol=tolerance)
    np.testing.assert_allclose(track.confidence[:, has], wanted[:, has, 2], atol=1e-6)
    assert track.present.sum() == len(has) * len(walk)


@pytest.mark.parametrize(
    ("layout", "name"),
    [(BODY25, "openpose-body25"), (BODY25B, "openpose-body25b"), (COCO18, "openpose-coco18")],
)
def test_openpose(tmp_path: Path, people: SimpleNamespace, layout: KeypointLayout, name: str) -> None:
    walk = positions(people)
    people.write_openpose(tmp_path, {frame + 100: [person] for frame, person in enumerate(walk)}, layout)
    assert recognise_format(tmp_path).name == name
    (track,) = read_keypoints(tmp_path)
    expect(track, walk, layout, 100)
    (forced,) = read_keypoints(tmp_path, name)
    np.testing.assert_array_equal(forced.keypoints, track.keypoints)


def test_the_frame_number_is_the_last_number_in_the_name(tmp_path: Path, people: SimpleNamespace) -> None:
    for name in ("cam2.0003.json", "cam2.0004.json", "cam2.0010.json"):
        person = {"pose_keypoints_2d": people.flat(people.stick_figure(500), BODY25)}
        people.write_json(tmp_path / name, {"people": [person]})
    (track,) = read_keypoints(tmp_path)
    assert (track.frame_start, len(track), track.frames_seen) == (3, 8, 3)
    assert np.isnan(track.keypoints[2:7]).all()
    assert (track.confidence[2:7] == 0).all()


def test_people_lying_and_upside_down_are_still_told_apart(tmp_path: Path, people: SimpleNamespace) -> None:
    for layout, name in ((BODY25, "openpose-body25"), (BODY25B, "openpose-body25b")):
        lying = [person[:, [1, 0, 2]] for person in positions(people)]
        frames = {frame: [person] for frame, person in enumerate(lying)}
        assert recognise_format(people.write_openpose(tmp_path / name, frames, layout)).name == name


def test_25_points_that_are_no_body_ask_for_the_format(tmp_path: Path, people: SimpleNamespace) -> None:
    points = np.random.default_rng(3).uniform(100, 900, (FRAMES, 26, 2))
    cloud = [np.column_stack((points[frame], np.ones(26))) for frame in range(FRAMES)]
    people.write_openpose(tmp_path, {frame: [one] for frame, one in enumerate(cloud)}, BODY25)
    message = people.message_of(lambda: read_keypoints(tmp_path), InputError)
    assert "openpose-body25b" in message
    assert read_keypoints(tmp_path, "openpose-body25")


@pytest.mark.parametrize(("layout", "name"), [(BODY25, "openpose-body25"), (BODY25B, "openpose-body25b")])
def test_a_person_on_few_frames_of_many_tells_the_format(
    tmp_path: Path, people: SimpleNamespace, layout: KeypointLayout, name: str
) -> None:
    """The other files hold a person without keypoints, and are the larger ones: no sample finds her."""
    person, nobody = people.stick_figure(300), people.stick_figure(300) * 0.0
    frames = {frame: [person] if frame in (151, 152) else [nobody] * 8 for frame in range(300)}
    people.write_openpose(tmp_path, frames, layout)
    assert recognise_format(tmp_path).name == name
    (track,) = read_keypoints(tmp_path)
    assert (track.frame_start, len(track)) == (151, 2)


@pytest.mark.parametrize("layout", [HALPE26, COCO17, WHOLEBODY133, HALPE136])
def test_sports2d(tmp_path: Path, people: SimpleNamespace, layout: KeypointLayout) -> None:
    walk = positions(people)
    people.write_openpose(tmp_path, {frame: [person] for frame, person in enumerate(walk)}, layout)
    assert recognise_format(tmp_path).name == "sports2d"
    (track,) = read_keypoints(tmp_path)
    expect(track, walk, layout, 0)


def test_sports2d_writes_nan_for_people_who_are_out_of_sight(tmp_path: Path, people: SimpleNamespace) -> None:
    walk = positions(people)
    nobody = np.full((26, 3), np.nan)
    people.write_openpose(tmp_path, {frame: [nobody, person] for frame, person in enumerate(walk)}, HALPE26)
    assert "NaN" in next(tmp_path.iterdir()).read_text()
    (track,) = read_keypoints(tmp_path)
    expect(track, walk, HALPE26, 0)


def test_coco_results(tmp_path: Path, people: SimpleNamespace) -> None:
    walk = positions(people)
    entries = [
        {"image_id": 7 + frame, "category_id": 1, "keypoints": people.flat(person, COCO17), "score": 0.9}
        for frame, person in enumerate(walk)
    ]
    path = people.write_json(tmp_path / "anything.txt", entries)
    assert recognise_format(path).name == "coco"
    (track,) = read_keypoints(path)
    expect(track, walk, COCO17, 7)


def test_coco_annotations_take_frames_and_size_from_the_images(
    tmp_path: Path, people: SimpleNamespace
) -> None:
    walk = positions(people)
    document = {
        "images": [
            {"id": 9000 - frame, "file_name": f"shot_{frame + 20:04d}.png", "width": 640, "height": 360}
            for frame in range(FRAMES)
        ],
        "annotations": [
            {"id": frame, "image_id": 9000 - frame, "keypoints": people.flat(person, COCO17)}
            for frame, person in enumerate(walk)
        ],
    }
    path = people.write_json(tmp_path / "person_keypoints.json", document)
    (track,) = read_keypoints(path)
    expect(track, walk, COCO17, 20)
    assert (track.width, track.height) == (640, 360)


def alphapose_list(people: SimpleNamespace, layout: KeypointLayout, idx: list[Any] | None) -> list[Any]:
    """Two people on different heights; ``idx`` holds what is written for each."""
    entries = []
    for frame in range(FRAMES):
        for who, x in enumerate((300.0, 900.0)):
            entry = {
                "image_id": f"{frame + 3}.jpg",
                "category_id": 1,
                "keypoints": people.flat(people.stick_figure(x + frame, height=400 - 100 * who), layout),
                "score": 2.9,
                "box": [x, 0.0, 10.0, 10.0],
            }
            entries.append(entry if idx is None else entry | {"idx": idx[who]})
    return entries


@pytest.mark.parametrize("layout", [COCO17, HALPE26, HALPE136])
@pytest.mark.parametrize("idx", [None, [1, 2], [0.0, 0.0], [[5.0], [[6.0]]]])
def test_alphapose_list(
    tmp_path: Path, people: SimpleNamespace, layout: KeypointLayout, idx: list[Any] | None
) -> None:
    path = people.write_json(tmp_path / "alphapose-results.json", alphapose_list(people, layout, idx))
    assert recognise_format(path).name == "alphapose"
    tracks = read_keypoints(path)
    assert len(tracks) == 2
    for track, x, height in zip(tracks, (300.0, 900.0), (400.0, 300.0), strict=True):
        walk = [people.stick_figure(x + frame, height=height) for frame in range(FRAMES)]
        expect(track, walk, layout, 3)


@pytest.mark.parametrize("form", ["cmu", "open"])
def test_alphapose_frames_by_picture(tmp_path: Path, people: SimpleNamespace, form: str) -> None:
    walk = positions(people)
    document = {}
    for frame, person in enumerate(walk):
        values = people.flat(person, COCO18)
        content = (
            {"bodies": [{"joints": values}]} if form == "cmu" else {"people": [{"pose_keypoints_2d": values}]}
        )
        document[f"{frame}.jpg"] = {"version": "AlphaPose v0.3", **content}
    path = people.write_json(tmp_path / "alphapose-results.json", document)
    assert recognise_format(path).name == "alphapose"
    expect(read_keypoints(path)[0], walk, COCO18, 0)
    folder = tmp_path / "sep-json"
    folder.mkdir()
    for name, content in document.items():
        people.write_json(folder / name.replace(".jpg", ".json"), content)
    assert recognise_format(folder).name == ("alphapose" if form == "cmu" else "openpose-coco18")
    expect(read_keypoints(folder)[0], walk, COCO18, 0)


def mmpose_instance(people: SimpleNamespace, person: Any, layout: KeypointLayout) -> dict[str, Any]:
    points = people.in_layout(person, layout)
    return {
        "keypoints": points[:, :2].tolist(),
        "keypoint_scores": points[:, 2].tolist(),
        "bbox": [[0.0, 0.0, 10.0, 10.0]],
        "bbox_score": 0.9,
    }


@pytest.mark.parametrize("layout", [COCO17, HALPE26, WHOLEBODY133])
@pytest.mark.parametrize("form", ["list", "meta_info", "predictions", "folder"])
def test_mmpose(tmp_path: Path, people: SimpleNamespace, layout: KeypointLayout, form: str) -> None:
    walk = positions(people)
    instances = [[mmpose_instance(people, person, layout)] for person in walk]
    frames = [{"frame_id": frame, "instances": one} for frame, one in enumerate(instances)]
    path = tmp_path / "results.json"
    if form == "list":
        people.write_json(path, frames)
    elif form == "meta_info":
        people.write_json(path, {"meta_info": {"dataset_name": "x"}, "instance_info": frames})
    elif form == "predictions":
        people.write_json(path, {"visualization": [], "predictions": instances})
    else:
        path = tmp_path
        for frame, one in enumerate(instances):
            people.write_json(tmp_path / f"{frame:06d}.json", one)
    assert recognise_format(path).name == "mmpose"
    (track,) = read_keypoints(path)
    expect(track, walk, layout, 0)


def test_mmpose_track_ids_are_identities(tmp_path: Path, people: SimpleNamespace) -> None:
    """Two people who swap places from one frame to the next: only the ids say so."""
    frames = []
    for frame in range(FRAMES):
        places = (300.0, 600.0) if frame % 2 else (600.0, 300.0)
        instances = [
            mmpose_instance(people, people.stick_figure(x), COCO17) | {"track_id": who}
            for who, x in enumerate(places)
        ]
        frames.append({"frame_id": frame, "instances": instances})
    tracks = read_keypoints(people.write_json(tmp_path / "tracked.json", frames))
    assert [track.frames_seen for track in tracks] == [FRAMES, FRAMES]
    for track in tracks:
        assert np.ptp(track.keypoints[:, KEYPOINT_INDEX["nose"], 0]) == pytest.approx(300)


def test_an_identity_doubled_in_every_frame_is_none(tmp_path: Path, people: SimpleNamespace) -> None:
    path = people.write_json(tmp_path / "r.json", alphapose_list(people, COCO17, [4, 4]))
    assert [track.frames_seen for track in read_keypoints(path)] == [FRAMES, FRAMES]


def mediapipe_rows(people: SimpleNamespace, walk: list[Any]) -> list[Any]:
    return [people.in_layout(person, MEDIAPIPE33) for person in walk]


def test_mediapipe_json_in_fractions_of_the_picture(tmp_path: Path, people: SimpleNamespace) -> None:
    walk = positions(people)
    frames = [
        {
            "frame": frame,
            "landmarks": [{"x": x / 1280, "y": y / 720, "z": 0.1, "visibility": c} for x, y, c in rows],
        }
        for frame, rows in enumerate(mediapipe_rows(people, walk))
    ]
    path = people.write_json(tmp_path / "pose.json", {"width": 1280, "height": 720, "frames": frames})
    expect(read_keypoints(path)[0], walk, MEDIAPIPE33, 0)


WIDE_HEADERS = {
    "x0": lambda i: [f"x{i}", f"y{i}", f"z{i}", f"v{i}"],
    "x_1": lambda i: [f"x_{i + 1}", f"y_{i + 1}", f"z_{i + 1}", f"v_{i + 1}"],
    "landmark_0_x": lambda i: [
        f"landmark_{i}_x",
        f"landmark_{i}_y",
        f"landmark_{i}_z",
        f"landmark_{i}_visibility",
    ],
    "Pose_0_X": lambda i: [f"Pose_{i}_X", f"Pose_{i}_Y", f"Pose_{i}_Z", f"Pose_{i}_VIS"],
    "nose_x": lambda i: [f"{MEDIAPIPE_NAMES[i]}_{c}" for c in ("x", "y", "z", "visibility")],
    "x_NOSE": lambda i: [f"{c}_{MEDIAPIPE_NAMES[i].upper()}" for c in ("x", "y", "z", "visibility")],
}


@pytest.mark.parametrize("header", WIDE_HEADERS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_mediapipe_wide_csv(tmp_path: Path, people: SimpleNamespace, header: str, separator: str) -> None:
    walk = positions(people)
    names = ["class", "frame", *(name for i in range(33) for name in WIDE_HEADERS[header](i))]
    lines = [separator.join(names)]
    for frame, rows in enumerate(mediapipe_rows(people, walk)):
        values = [f"{value:.6f}" for x, y, c in rows for value in (x, y, 0.0, c)]
        lines.append(separator.join(["walk", str(frame + 2), *values]))
    path = tmp_path / "landmarks.csv"
    path.write_text("\n".join(lines) + "\n")
    assert recognise_format(path).name == "mediapipe"
    expect(read_keypoints(path)[0], walk, MEDIAPIPE33, 2, tolerance=1e-5)


@pytest.mark.parametrize("named", [True, False])
def test_mediapipe_long_csv_in_fractions(tmp_path: Path, people: SimpleNamespace, named: bool) -> None:
    walk = positions(people)
    lines = ["Frame,Landmark,X,Y,Z,Visibility"]
    for frame, rows in enumerate(mediapipe_rows(people, walk)):
        for i, (x, y, c) in enumerate(rows):
            landmark = MEDIAPIPE_NAMES[i].upper() if named else i
            lines.append(f"{frame},{landmark},{x / 1000:.9f},{y / 2000:.9f},0,{c}")
    path = tmp_path / "landmarks.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    message = people.message_of(lambda: read_keypoints(path), InputError)
    assert "width and height" in message
    (track,) = read_keypoints(path, width=1000, height=2000)
    expect(track, walk, MEDIAPIPE33, 0, tolerance=1e-4)


def test_empty_cells_are_missing_points(tmp_path: Path, people: SimpleNamespace) -> None:
    rows = mediapipe_rows(people, positions(people))[0]
    lines = ["frame,landmark,x,y,visibility", *(f"0,{i},{x},{y},{c}" for i, (x, y, c) in enumerate(rows))]
    lines[1 + 15] = "0,15,,,"
    path = tmp_path / "landmarks.csv"
    path.write_text("\n".join(lines))
    (track,) = read_keypoints(path)
    missing = {
        name for name, k in KEYPOINT_INDEX.items() if name in MEDIAPIPE33.names and not track.present[0, k]
    }
    assert missing == {"left_wrist"}


@pytest.mark.parametrize("extra", [[], ["conf"], ["id"], ["conf", "id"]])
@pytest.mark.parametrize("visible", [True, False])
def test_ultralytics(tmp_path: Path, people: SimpleNamespace, extra: list[str], visible: bool) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    for frame in range(1, FRAMES + 1):
        lines = []
        # With ids the two swap places in every frame.
        for who, x in enumerate((300.0, 600.0) if frame % 2 or "id" not in extra else (600.0, 300.0)):
            points = people.in_layout(people.stick_figure(x, height=400 - 100 * who), COCO17)
            points[:, :2] /= (1280, 720)
            values = [0, 0.5, 0.5, 0.2, 0.4, *(points if visible else points[:, :2]).ravel().tolist()]
            values += [0.87] * ("conf" in extra) + [who + 1] * ("id" in extra)
            lines.append(" ".join(f"{value:g}" for value in values))
        (folder / f"video_{frame}.txt").write_text("\n".join(lines) + "\n")
    assert recognise_format(folder).name == "ultralytics"
    message = people.message_of(lambda: read_keypoints(folder), InputError)
    assert "width and height" in message
    tracks = read_keypoints(folder, width=1280, height=720)
    assert [(track.frame_start, track.frames_seen) for track in tracks] == [(0, FRAMES), (0, FRAMES)]
    nose = KEYPOINT_INDEX["nose"]
    np.testing.assert_allclose(tracks[0].keypoints[0, nose], (300, 900 - 0.93 * 400), atol=0.01)
    assert np.ptp(tracks[0].keypoints[:, nose, 0]) == pytest.approx(300 if "id" in extra else 0, abs=0.01)
    assert tracks[0].confidence[0, nose] == pytest.approx(0.9 if visible else 1.0)


def test_tracks_are_sorted_by_frames_times_size(tmp_path: Path, people: SimpleNamespace) -> None:
    """Small for 10 frames, large for 3, middling for 10: 1000, 1200 and 2000."""
    frames = {}
    for frame in range(10):
        found = [people.stick_figure(200, height=100), people.stick_figure(1500, height=200)]
        frames[frame] = [*found, people.stick_figure(800, height=400)] if frame < 3 else found
    tracks = read_keypoints(people.write_openpose(tmp_path, frames, BODY25))
    heights = [np.ptp(track.keypoints[0][track.present[0], 1]) for track in tracks]
    assert [round(height / 96) for height in heights] == [2, 4, 1]
    assert [track.person_id for track in tracks] == [1, 2, 3]


def test_people_without_a_keypoint_are_left_out(tmp_path: Path, people: SimpleNamespace) -> None:
    nobody = people.stick_figure(900, confidence=0.0)
    frames = {frame: [nobody, people.stick_figure(300)] for frame in range(3)}
    (track,) = read_keypoints(people.write_openpose(tmp_path, frames, BODY25))
    assert track.frames_seen == 3


def test_a_name_that_is_not_utf8(tmp_path: Path, people: SimpleNamespace) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\xff"))
    people.write_openpose(folder, {0: [people.stick_figure(300)], 1: [people.stick_figure(303)]}, BODY25)
    (track,) = read_keypoints(folder)
    assert len(track) == 2
    track.source.encode("utf-8")


def test_progress_rises_to_one_and_may_stop_the_work(tmp_path: Path, people: SimpleNamespace) -> None:
    frames = {frame: [people.stick_figure(300 + frame)] for frame in range(300)}
    people.write_openpose(tmp_path, frames, BODY25)
    seen: list[float] = []
    read_keypoints(tmp_path, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_keypoints(tmp_path, progress=stop)


def test_formats_are_listed_with_what_identifies_them() -> None:
    names = [one.name for one in FORMATS]
    assert len(set(names)) == len(names)
    assert {"openpose-body25", "openpose-body25b", "openpose-coco18", "coco", "alphapose", "mmpose"} <= set(
        names
    )
    assert {"sports2d", "mediapipe", "videopose3d", "ultralytics"} <= set(names)
    for one in FORMATS:
        assert one.title
        assert one.identified_by.isprintable()


def test_json_in_utf16_is_read(tmp_path: Path, people: SimpleNamespace) -> None:
    entries = [{"image_id": f, "keypoints": people.flat(p, COCO17)} for f, p in enumerate(positions(people))]
    path = tmp_path / "results.json"
    path.write_bytes(json.dumps(entries).encode("utf-16"))
    assert len(read_keypoints(path)[0]) == FRAMES
