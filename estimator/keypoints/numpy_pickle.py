"""Reads ``.npz`` archives that hold pickled object arrays, without running anything that is in them.

``numpy.load(allow_pickle=True)`` would call whatever a file names. Here the unpickler knows a handful of
names of NumPy's, none of which resolve to NumPy's own: they resolve to the inert classes below, which store
what they are given. Plain data is then made from those whose type and size have been checked.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..printable import printable

MAX_BYTES = 2**29
"""An array of keypoints above this size (days of video) is refused."""

_PLAIN_TYPE = re.compile(r"[<>=|]?(?:[biuf][1248]|[SU][0-9]{1,4})")


class PickledType:
    """Stands for ``numpy.dtype`` in a pickle."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code
        self.order = "|"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    @property
    def is_object(self) -> bool:
        return self.code in ("O", "O8", "O4")

    def dtype(self) -> np.dtype[Any]:
        """Raises ``ValueError`` for anything but numbers and text."""
        if not isinstance(self.code, str) or self.order not in ("<", ">", "|", "="):
            raise ValueError("unknown type")
        if not _PLAIN_TYPE.fullmatch(self.code):
            raise ValueError(f"type {self.code[:20]}")
        order = "" if self.order == "|" else self.order
        return np.dtype(order + self.code.lstrip("<>=|"))


class PickledArray:
    """Stands for ``numpy.ndarray`` in a pickle."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def value(self) -> NDArray[Any] | list[Any]:
        """Numbers and text as an array; an object array as the flat list of what is in it.

        Raises:
            ValueError: the state is none of an array.
        """
        _, shape, kind, fortran, data = self.state
        if not isinstance(kind, PickledType) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError("no array")
        if kind.is_object:
            if not isinstance(data, list):
                raise ValueError("no list of objects")
            return data
        raw = data.encode("latin-1") if isinstance(data, str) else data  # text: written by Python 2
        if not isinstance(raw, bytes | bytearray):
            raise ValueError("no data")
        return np.frombuffer(raw, kind.dtype()).reshape(shape, order="F" if fortran else "C")


@dataclass(frozen=True, slots=True)
class _Callable:
    """What a pickle may call. No plain function: a pickle can set a function's attributes."""

    make: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes what it calls")


def _from_buffer(buffer: Any, kind: Any, shape: Any, order: Any) -> PickledArray:
    array = PickledArray()
    array.state = (1, shape, kind, order == "F", buffer)
    return array


def _scalar(kind: Any, data: Any) -> Any:
    value = _from_buffer(data, kind, (1,), "C").value()
    return value[0].item() if isinstance(value, np.ndarray) else None


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes in pickles of protocol 2 are text with the instruction to encode it."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("unexpected encoding")
    return text.encode("latin-1")


_ALLOWED = {
    ("numpy", "ndarray"): _Callable(PickledArray),
    ("numpy", "dtype"): _Callable(PickledType),
    ("_codecs", "encode"): _Callable(_encode),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Callable(PickledArray) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Callable(_scalar) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Callable(_from_buffer) for core in ("core", "_core")},
}


class _NumpyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to data outside the file")


def load_arrays(path: Path) -> dict[str, NDArray[Any] | list[Any]]:
    """The arrays of an ``.npz`` by name: numbers and text as arrays, object arrays as flat lists.

    Lists may hold dicts, lists, tuples, numbers, text and further ``PickledArray``.

    Raises:
        InputError: no archive of arrays, a damaged one, sizes that can't be true, or a pickle that asks for
            anything but NumPy's types; nothing in the file is ever run.
    """
    label = printable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                member.filename.removesuffix(".npy"): _read_array(archive, member, label)
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{label}: no readable .npz ({_one_line(error)}); export it again") from None


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, label: str) -> NDArray[Any] | list[Any]:
    where = f"{label}, array {printable(member.filename)}"
    if member.file_size > MAX_BYTES:
        raise InputError(
            f"{where}: {member.file_size / 2**20:.0f} MB of data, which no clip's keypoints have"
        )
    with archive.open(member) as file:
        try:
            shape, fortran, dtype = _read_header(file)
        except Exception as error:  # NumPy parses the header as Python; a damaged one can raise anything
            raise InputError(f"{where}: no NumPy array ({_one_line(error)}); export it again") from None
        if dtype.hasobject:
            return _unpickle(file, where)
        size = dtype.itemsize
        for length in shape:
            size *= length
        if size > member.file_size:
            raise InputError(
                f"{where}: a shape of {shape} needs {size} bytes, the file has {member.file_size}"
            )
        data = file.read(size)
        if len(data) != size:
            raise InputError(f"{where}: the data is cut off; export it again")
        try:
            return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
        except ValueError as error:
            raise InputError(f"{where}: no array of numbers ({_one_line(error)}); export it again") from None


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and type. ``KeyError`` for versions of structured arrays."""
    npy: Any = np.lib.format  # NumPy's functions for its own format carry no types
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


def _unpickle(file: IO[bytes], where: str) -> list[Any]:
    try:
        array = _NumpyUnpickler(io.BytesIO(file.read()), encoding="latin1").load()
        value = array.value() if isinstance(array, PickledArray) else None
    except Exception as error:  # a crafted pickle can make the unpickler raise anything
        raise InputError(
            f"{where}: refused, its pickle holds more than arrays and plain data ({_one_line(error)}); "
            "nothing in it was run"
        ) from None
    if not isinstance(value, list):
        raise InputError(f"{where}: no array of objects in its pickle; export it again")
    return value


def _one_line(error: BaseException) -> str:
    return printable(" ".join(str(error).split()))[:120] or type(error).__name__
