"""What goes wrong, said so that a user can act on it.

Every message is one line: the file (or data-block), the place in it, what is wrong, what to do.
"""


class KineliftError(Exception):
    """Base of all errors that Kinelift raises on purpose; ``str(error)`` is one line for the user."""


class InputError(KineliftError):
    """Input that can't be used: a file, an argument, a clip. The command line exits with status 2."""


class MissingDependencyError(KineliftError):
    """A package that this step needs can't be imported; the message says which, and how to get it."""
