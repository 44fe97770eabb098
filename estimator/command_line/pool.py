"""Converts clips one after the other, or several at once in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait

from .clips import Clip
from .conversion import convert
from .result import ClipResult
from .settings import Settings


def set_threads(threads: int | None) -> None:
    """Limits torch to ``threads`` in this process; None leaves it as it is.

    Threads that spin while they wait would take the cores from other processes.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threads is None:
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        import torch
    except ImportError:
        return  # the estimator says so, better than could be said here
    torch.set_num_threads(threads)


def results(
    clips: Sequence[Clip],
    settings: Settings,
    jobs: int,
    threads: int | None,
    progress: Callable[[Clip, float], None],
) -> Iterator[tuple[Clip, ClipResult]]:
    """Each clip's result as soon as it is there.

    Args:
        jobs: processes at once; with 1 the work is done in this one.
        threads: of torch in each process; by default all cores are shared out.
        progress: told a clip and its fraction done; not called with several processes.
    """
    if jobs == 1:
        set_threads(threads)
        for clip in clips:
            yield clip, convert(clip, settings, lambda fraction, clip=clip: progress(clip, fraction))  # type: ignore[misc]
        return
    context = multiprocessing.get_context("spawn")  # a forked torch can hang in its thread pool
    threads = threads or max((os.cpu_count() or 1) // jobs, 1)
    with ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=(threads,)) as pool:
        with _interrupts_kept_from_children():
            futures = {pool.submit(convert, clip, settings): clip for clip in clips}
        try:
            for future in as_completed(futures):
                yield futures[future], _result(futures[future], future)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.kill()
            raise


@contextmanager
def _interrupts_kept_from_children() -> Iterator[None]:
    """What is started in the block never gets a terminal's Ctrl-C; this process gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _result(clip: Clip, future: Future[ClipResult]) -> ClipResult:
    try:
        return future.result()
    except BrokenProcessPool:
        return ClipResult(
            str(clip.path),
            clip.name,
            fault=f"{clip.path}: not converted, because a process ended abruptly (out of memory?); "
            "run again with --resume and fewer --jobs",
        )


def _start_worker(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends the workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_threads(threads)


def _end_with_parent() -> None:
    """A parent that is killed leaves its workers waiting for ever, and the clips at hand to a new run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
