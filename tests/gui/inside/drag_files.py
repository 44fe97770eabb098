"""A program that files are dragged out of: ``python3 drag_files.py X Y FILE…`` drops them at a place.

The source's side of the X drag-and-drop protocol, version 5 (freedesktop.org, "Drag-and-Drop Protocol for the
X Window System"). Prints "accepted" or "refused" as the target said it; status 1 if nothing there takes any.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from Xlib import X, Xatom, display
from Xlib.ext import xtest
from Xlib.protocol import event

VERSION = 5
TYPE = "text/uri-list"
STEPS = 12
"""Places on the way to the target."""


class DragSource:
    """Owns the selection that is dragged and answers the target's questions."""

    def __init__(self, paths: list[Path]) -> None:
        self.display = display.Display()
        self.root = self.display.screen().root
        self.data = "".join(f"{path.as_uri()}\r\n" for path in paths).encode()
        self.window = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.window.set_selection_owner(self.atom("XdndSelection"), X.CurrentTime)

    def atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def move(self, x: int, y: int) -> None:
        xtest.fake_input(self.display, X.MotionNotify, x=x, y=y)
        self.display.sync()

    def target(self) -> Any:
        """The window under the mouse that takes drops; None if there is none."""
        found, window = None, self.root
        while window:
            if window != self.root and window.get_full_property(self.atom("XdndAware"), Xatom.ATOM):
                found = window
            window = window.query_pointer().child
        return found

    def send(self, target: Any, name: str, *data: int) -> None:
        values = [self.window.id, *data, 0, 0, 0, 0][:5]
        target.send_event(
            event.ClientMessage(window=target, client_type=self.atom(name), data=(32, values)), event_mask=0
        )
        self.display.flush()

    def answer(self, name: str, seconds: float) -> list[int] | None:
        """The target's next message of this name; hands out the data meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.display.pending_events():
                time.sleep(0.005)
                continue
            got = self.display.next_event()
            if got.type == X.SelectionRequest:
                self.hand_out(got)
            elif got.type == X.ClientMessage and got.client_type == self.atom(name):
                return list(got.data[1])
        return None

    def hand_out(self, request: Any) -> None:
        given = X.NONE
        if request.target == self.atom(TYPE):
            given = request.property
            request.requestor.change_property(given, request.target, 8, self.data)
        elif request.target == self.atom("TARGETS"):
            given = request.property
            request.requestor.change_property(given, Xatom.ATOM, 32, [self.atom(TYPE)])
        request.requestor.send_event(
            event.SelectionNotify(
                time=request.time,
                requestor=request.requestor,
                selection=request.selection,
                target=request.target,
                property=given,
            )
        )
        self.display.flush()


def main() -> int:
    x, y, *paths = sys.argv[1:]
    end = int(x), int(y)
    source = DragSource([Path(path) for path in paths])
    source.move(*end)
    target = source.target()
    if target is None:
        print("nothing takes drops there")
        return 1
    copy, answer = source.atom("XdndActionCopy"), None
    source.send(target, "XdndEnter", VERSION << 24, source.atom(TYPE))
    for step in range(STEPS, -1, -1):
        at = end[0] - 4 * step, end[1] - 2 * step
        source.move(*at)
        source.send(target, "XdndPosition", 0, at[0] << 16 | at[1], X.CurrentTime, copy)
        answer = source.answer("XdndStatus", 10.0)
    if answer is None or not answer[1] & 1:
        source.send(target, "XdndLeave")
        print("refused" if answer else "no answer")
        return 0
    source.send(target, "XdndDrop", 0, X.CurrentTime)
    print("accepted" if source.answer("XdndFinished", 30.0) else "accepted, but never finished")
    return 0


if __name__ == "__main__":
    sys.exit(main())
