"""Kinelift inside Blender: panels, operators, and what they write into the file.

The estimator is reached by relative import; registering needs nothing but Blender and numpy.
"""

ROOT_PACKAGE = __package__.rpartition(".")[0]
"""Name of the extension's root package: what its preferences and its user folder go by."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled; ends a running job first."""
    from . import registration

    registration.unregister()
