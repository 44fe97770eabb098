"""How far a run is, told in one line."""

from estimator.command_line.progress import BatchProgress
from estimator.command_line.result import ClipResult, PersonResult


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def converted(name: str, frames: int) -> ClipResult:
    return ClipResult(name, name, [PersonResult(1, "converted", 0, frames, 1.0)])


def test_speed_and_time_left_follow_from_what_was_worked_on() -> None:
    clock = Clock()
    progress = BatchProgress(10, clock)
    assert progress.line() == "[0/10], time left not known yet"
    progress.part_done("a", 0.25)
    clock.seconds += 3.0
    assert progress.line() == "[0/10], a 25%"  # too early to tell
    clock.seconds += 17.0
    progress.done(converted("a", 600))
    assert progress.line() == "[1/10], 30 frames/s, 3 min 00 s left"
    progress.part_done("b", 0.5)
    clock.seconds += 10.0
    assert progress.line() == "[1/10], 20 frames/s, 2 min 50 s left, b 50%"


def test_skipped_and_failed_clips_do_not_count_as_speed() -> None:
    clock = Clock()
    progress = BatchProgress(4, clock)
    progress.done(ClipResult("a", "a", [PersonResult(1, "skipped", 0, 5000, 1.0)]))
    progress.done(ClipResult("b", "b", errors=["b: broken"]))
    clock.seconds += 4000.0
    assert progress.line() == "[2/4], time left not known yet"
    progress.done(converted("c", 8000))
    assert progress.line() == "[3/4], 2.0 frames/s, 1 h 06 min left"
    assert progress.summary() == "4 clips: 1 converted, 1 there already, 1 failed; 1 h 06 min, 2.0 frames/s"
