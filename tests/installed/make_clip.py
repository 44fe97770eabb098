"""Writes an empty video: ``python make_clip.py FILE FRAMES WIDTH HEIGHT FPS``, with bpy 4.5."""

import sys

import bpy

path, *numbers = sys.argv[1:]
frames, width, height, fps = map(int, numbers)
scene = bpy.context.scene
scene.sequence_editor_create().strips.new_effect(
    "Grey", "COLOR", channel=1, frame_start=1, frame_end=frames + 1
)
scene.frame_start, scene.frame_end = 1, frames
scene.render.resolution_x, scene.render.resolution_y, scene.render.fps = width, height, fps
scene.render.image_settings.file_format = "FFMPEG"
scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
scene.render.filepath = path
bpy.ops.render.render(animation=True)
