"""Evaluating an object frame by frame without touching the user's scene."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy


class Stage:
    """A scene of an object's own, in which it and what it depends on can be evaluated on any frame.

    The user's frame, view layers and selection stay as they are, and nothing else of the scene is evaluated.
    """

    def __init__(self, scene: bpy.types.Scene, blender_object: bpy.types.Object) -> None:
        self._scene = scene
        self._object = blender_object

    def go_to(self, frame: float) -> bpy.types.Object:
        """The object as it is on a frame; valid until the next call."""
        whole = int(frame // 1)
        self._scene.frame_set(whole, subframe=frame - whole)
        return self.now()

    def now(self) -> bpy.types.Object:
        """The object after changes to its properties; valid until the next call."""
        self._object.update_tag()  # custom properties don't tag it by themselves
        view_layer = self._scene.view_layers[0]
        view_layer.update()
        return self._object.evaluated_get(view_layer.depsgraph)


@contextmanager
def stage(blender_object: bpy.types.Object, like: bpy.types.Scene) -> Iterator[Stage]:
    """A stage for an object, at the frame of the scene ``like``."""
    scene = bpy.data.scenes.new("Kinelift stage")
    try:
        scene.render.fps, scene.render.fps_base = like.render.fps, like.render.fps_base
        scene.collection.objects.link(blender_object)
        scene.frame_set(like.frame_current)
        yield Stage(scene, blender_object)
    finally:
        bpy.data.scenes.remove(scene)
