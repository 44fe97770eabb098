"""One estimate at a time in a thread of its own, watched from the main thread."""

from __future__ import annotations

import threading
import traceback

import bpy

from ..estimator.errors import KineliftError
from .estimate_request import EstimateRequest
from .estimate_work import EstimateResult, do_estimate


class EstimateCancelledError(Exception):
    """Raised inside the work to end it."""


class EstimateJob:
    """An estimate that is under way.

    ``fraction`` and ``text`` say how far it is. Once ``finished``, either ``result`` or ``error`` is set, or
    neither if it was cancelled.
    """

    def __init__(self, request: EstimateRequest) -> None:
        self.request = request
        self.fraction = 0.0
        self.text = "Starting"
        self.result: EstimateResult | None = None
        self.error: str | None = None
        self._cancelled = threading.Event()
        # A daemon, because Python joins other threads at exit before anybody could cancel this one.
        self._thread = threading.Thread(target=self._work, name="Kinelift estimate", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Asks the work to end, which it does at its next sign of progress."""
        self._cancelled.set()
        self.text = "Cancelling"

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled.is_set()

    @property
    def finished(self) -> bool:
        """Whether the thread is through."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Waits for the thread."""
        self._thread.join()

    def _report(self, fraction: float, text: str) -> None:
        if self.cancelled:
            raise EstimateCancelledError
        self.fraction, self.text = fraction, text

    def _work(self) -> None:
        try:
            result = do_estimate(self.request, self._report)
            if not self.cancelled:
                self.result = result
        except EstimateCancelledError:
            return
        except KineliftError as error:
            self.error = str(error)
        except Exception as error:  # must reach the user, whatever it is
            traceback.print_exc()
            self.error = (
                f"Estimating failed ({type(error).__name__}: {error}); details are in the system console"
            )


_running: EstimateJob | None = None


def running_job() -> EstimateJob | None:
    """The estimate that is under way."""
    return _running


def start_job(request: EstimateRequest) -> EstimateJob:
    """Starts the one job; there must be none."""
    global _running  # noqa: PLW0603  (one job per Blender, whatever window started it)
    if _running is not None:
        raise RuntimeError("an estimate is running already")
    _running = EstimateJob(request)
    _running.start()
    return _running


def end_running_job() -> None:
    """Cancels the job, if there is one that has not finished, and waits until its thread is gone."""
    global _running  # noqa: PLW0603
    if _running is not None:
        if not _running.finished:
            _running.cancel()
        _running.join()
        _running = None


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def end_before_load(*_: object) -> None:
    """Handler: another file is about to be loaded."""
    end_running_job()
