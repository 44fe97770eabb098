"""Shares clips out among further Blenders, because Python's own processes can't import Blender."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...estimator.command_line.clips import Clip
from ...estimator.command_line.pool import set_threads
from ...estimator.command_line.result import ClipResult
from .conversion import convert
from .messages import Fraction, receive, send, wait_until_ready
from .settings import BatchSettings

_STOP_SECONDS = 10.0
_POLITE_SECONDS = 1.0
"""For a Blender to clean up after itself."""
_FAILED_STARTS = 2
"""In a row; then no more Blenders are started."""


@dataclass(frozen=True)
class Arrived:
    """A sign of life of a clip: its fraction done, or its result."""

    clip: Clip
    news: float | ClipResult


def converted(
    clips: Sequence[Clip],
    settings: BatchSettings,
    jobs: int,
    threads: int | None,
    command: Sequence[str],
    progress: Callable[[Clip, float], None],
) -> Iterator[tuple[Clip, ClipResult]]:
    """Each clip's result as soon as it is there.

    Args:
        jobs: Blenders at once; with 1 the work is done in this one.
        threads: of torch in each; by default all cores are shared out.
        command: that starts a worker.
        progress: told a clip and its fraction done.
    """
    if jobs == 1:
        set_threads(threads)
        for clip in clips:
            yield clip, convert(clip, settings, lambda fraction, clip=clip: progress(clip, fraction))  # type: ignore[misc]
        return
    threads = threads or max((os.cpu_count() or 1) // jobs, 1)
    pool = _Pool(clips, settings, jobs, threads, command)
    try:
        for _ in range(len(clips)):
            while not isinstance((arrived := pool.news.get()).news, ClipResult):
                progress(arrived.clip, arrived.news)
            yield arrived.clip, arrived.news
    except BaseException:
        pool.stop()
        raise
    pool.join()


class _Pool:
    """Threads that each look after one Blender, and start another one where it ends before its time."""

    def __init__(
        self, clips: Sequence[Clip], settings: BatchSettings, jobs: int, threads: int, command: Sequence[str]
    ) -> None:
        self.news: queue.Queue[Arrived] = queue.Queue()
        self._orders = (settings, threads)
        self._command = list(command)
        self._clips: queue.Queue[Clip] = queue.Queue()
        for clip in clips:
            self._clips.put(clip)
        self._workers: set[subprocess.Popen[bytes]] = set()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._look_after, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Waits until all Blenders have ended by themselves, there being nothing left to do."""
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def stop(self) -> None:
        """Ends all Blenders, those that are busy too; what they were making is left unfinished."""
        self._ending.set()
        asked, end = time.monotonic() + _POLITE_SECONDS, time.monotonic() + _STOP_SECONDS
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < end:
            for worker in list(self._workers):  # one may only just have been started
                worker.terminate() if time.monotonic() < asked else worker.kill()
            for thread in self._threads:
                thread.join(0.05)

    def _look_after(self) -> None:
        worker: subprocess.Popen[bytes] | None = None
        failed_starts = 0
        while not self._ending.is_set():
            try:
                clip = self._clips.get_nowait()
            except queue.Empty:
                break
            if worker is None and failed_starts < _FAILED_STARTS:
                worker = self._start()
                failed_starts = 0 if worker is not None else failed_starts + 1
            if worker is None:
                reason = (
                    "no further Blender could be started; --debug shows what it says, --jobs 1 does without"
                )
                self.news.put(Arrived(clip, _fault(clip, reason)))
                continue
            result = self._converted_by(worker, clip)
            if result is None:
                status = _ended(worker)
                self._workers.discard(worker)
                worker = None
                reason = f"its Blender ended abruptly ({status}; out of memory?); run again with --resume"
                result = _fault(clip, reason)
            self.news.put(Arrived(clip, result))
        if worker is not None:
            self._dismiss(worker)

    def _start(self) -> subprocess.Popen[bytes] | None:
        """A Blender that is ready to convert; None if it isn't to be had."""
        settings, _ = self._orders
        worker = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if settings.quiet else None,
        )
        self._workers.add(worker)
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            wait_until_ready(worker.stdout)
            send(worker.stdin, self._orders)
        except (EOFError, OSError):
            _ended(worker)
            self._workers.discard(worker)
            return None
        return worker

    def _converted_by(self, worker: subprocess.Popen[bytes], clip: Clip) -> ClipResult | None:
        """None if the worker ended over it."""
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            send(worker.stdin, clip)
            while isinstance(answer := receive(worker.stdout), Fraction):
                self.news.put(Arrived(clip, answer.done))
        except (EOFError, OSError):
            return None
        result: ClipResult = answer
        return result

    def _dismiss(self, worker: subprocess.Popen[bytes]) -> None:
        """Nothing is left for it to do."""
        assert worker.stdin is not None
        with suppress(OSError):  # it ended by itself
            send(worker.stdin, None)
        _ended(worker)
        self._workers.discard(worker)


def _fault(clip: Clip, reason: str) -> ClipResult:
    return ClipResult(str(clip.path), clip.name, fault=f"{clip.path}: not converted, because {reason}")


def _ended(worker: subprocess.Popen[bytes]) -> str:
    """How a process ended that has ended or is about to."""
    try:
        status = worker.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        status = worker.wait()
    return f"signal {-status}" if status < 0 else f"status {status}"
