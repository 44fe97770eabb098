"""Converts clips on the machines of a Dask cluster.

This process reads the keypoints and writes the outputs, so the machines need no common disk; each person's
keypoints go to a worker, and the motion comes back. A person whose worker dies is given to another one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..atomic_write import written_whole
from ..camera import Camera
from ..errors import InputError, KineliftError, MissingDependencyError
from ..estimate import EstimateOptions, estimate_motion, missing_packages
from ..motion import Motion
from ..progress import Progress
from ..track import KeypointTrack
from .clips import Clip
from .conversion import convert
from .pool import set_threads
from .result import ClipResult
from .settings import Settings

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 15.0
WORKER_SECONDS = 30.0
_AHEAD = 2
"""Clips read per thread of the workers, so that none of them waits for a file."""


class _SchedulerGoneError(KineliftError):
    """There is nobody left to answer."""


def results(
    clips: Sequence[Clip], settings: Settings, address: str, threads: int | None
) -> Iterator[tuple[Clip, ClipResult]]:
    """Each clip's result as soon as it is there.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.
        threads: of torch in each worker; by default as many as the worker was started with.

    Raises:
        InputError: nothing answers at the address, or nobody works there.
        MissingDependencyError: Dask isn't installed.
        KineliftError: the workers can't do this work, or the scheduler went away in the middle.
    """
    with _connected(address) as client:
        _check_workers(client, address)
        weights = _content(settings.options.weights)
        gone = Event()

        def estimate(
            track: KeypointTrack, camera: Camera, options: EstimateOptions, progress: Progress
        ) -> Motion:
            options = replace(options, weights=None)
            work = (track, camera, options, weights, threads, __version__)
            # Not pure: what two people's keypoints have in common must not make them one task.
            try:
                motion: Motion = _answer(client.submit(_estimate, *work, pure=False), address)
            except _SchedulerGoneError:
                gone.set()
                raise
            progress(1.0)
            return motion

        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        at_once = _AHEAD * sum(int(worker["nthreads"]) for worker in workers)
        with ThreadPoolExecutor(at_once, "kinelift-clip") as pool:
            waiting = {pool.submit(convert, clip, settings, estimate=estimate): clip for clip in clips}
            try:
                for done in as_completed(waiting):
                    # The client itself may take a while to notice.
                    if done.result().fault is not None and (gone.is_set() or client.status != "running"):
                        break
                    yield waiting.pop(done), done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                client.close()  # what waits for an answer gets none
                raise
            pool.shutdown(cancel_futures=True)
        if waiting:
            # Motions that had arrived before the scheduler went away were still written.
            for done, clip in waiting.items():
                if not done.cancelled() and done.result().fault is None:
                    yield clip, done.result()
            raise KineliftError(_gone(address))


def _estimate(
    track: KeypointTrack,
    camera: Camera,
    options: EstimateOptions,
    weights: bytes | None,
    threads: int | None,
    version: str,
) -> Motion:
    """One person's motion, on a worker."""
    if version != __version__:
        raise KineliftError(_other_version(version))
    if threads is not None:
        set_threads(threads)
    if weights is not None:
        options = replace(options, weights=_as_file(weights))
    return estimate_motion(track, camera, options)


def _as_file(weights: bytes) -> Path:
    """The weights in the worker's own folder, which goes when it does."""
    from distributed import get_worker

    folder = Path(get_worker().local_directory)
    path = folder / f"kinelift-{hashlib.sha256(weights).hexdigest()[:16]}.pt"
    if not path.exists():
        with written_whole(path) as beside:
            beside.write_bytes(weights)
    return path


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        import distributed
    except ImportError:
        raise MissingDependencyError(
            "--scheduler needs Dask: install it into this Python with pip install distributed, or use --jobs"
        ) from None
    with _silenced():
        try:
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError):
            raise InputError(
                f"--scheduler {address}: no Dask scheduler answers there; start one with `dask scheduler` "
                "and give the address it prints, such as tcp://10.0.0.1:8786"
            ) from None
        with client:
            yield client


@contextmanager
def _silenced() -> Iterator[None]:
    """Keeps Dask's own words on lost connections away, many lines each: the errors here say it in one.

    Each of its many loggers has a level of its own, so no parent's would do.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _check_workers(client: Client, address: str) -> None:
    """That somebody works there, with this version of Kinelift and all it needs."""
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise InputError(
            f"--scheduler {address}: no worker has joined it; start `python -m dask worker {address}` in a "
            "checkout of Kinelift on each machine"
        ) from None
    try:
        workers: dict[str, tuple[str, list[str]]] = client.run(_equipment)
    except ImportError as error:
        raise KineliftError(_cannot_import(error)) from None
    for name, (version, missing) in workers.items():
        if version != __version__:
            raise KineliftError(_other_version(__version__, version))
        if missing:
            raise MissingDependencyError(f"the worker {name} needs {', '.join(missing)}: install them there")


def _equipment() -> tuple[str, list[str]]:
    """Of a worker: its version of Kinelift, and what it lacks."""
    return __version__, missing_packages()


def _answer(future: Future[Any], address: str) -> Any:
    """What a worker made.

    Raises:
        KineliftError: as on the worker; also if there is no answer to be had.
    """
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError
    from distributed.comm.core import CommClosedError

    try:
        return future.result()
    except KilledWorker as error:
        raise KineliftError(
            f"not converted, because {error.allowed_failures + 1} workers ended abruptly over it "
            "(out of memory?)"
        ) from None
    except (FutureCancelledError, CommClosedError, TimeoutError):
        raise _SchedulerGoneError(_gone(address)) from None
    except ImportError as error:
        raise KineliftError(_cannot_import(error)) from None


def _content(weights: Path | None) -> bytes | None:
    try:
        return None if weights is None else weights.read_bytes()
    except OSError as error:
        raise InputError(f"{weights}: can't be read ({error.strerror})") from None


def _gone(address: str) -> str:
    return f"the scheduler {address} went away; run again with --resume"


def _cannot_import(error: ImportError) -> str:
    return (
        f"a worker can't import Kinelift ({error}); start the workers in a checkout of version "
        f"{__version__}, in an environment with its packages"
    )


def _other_version(wanted: str, found: str = __version__) -> str:
    return f"a worker has version {found} of Kinelift, but this is {wanted}; give all machines the same one"
