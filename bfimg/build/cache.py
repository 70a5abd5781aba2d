"""Compiled results, kept by the hash of everything they were made from, so a second build compiles nothing.

An entry is a file named by its key: the contents, then a SHA-256 of key and contents. An entry that is damaged,
cut short or in the wrong place does not match and is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from bfimg.errors import InputError
from bfimg.host_file import read_host_file

_DIGEST_BYTES = hashlib.sha256().digest_size
_WORK_PREFIX = ".bfimg-work-"
# A running build puts files into its work folder all the time: each tool has to end within 300 s.
_ABANDONED_SECONDS = 3600


def default_cache_dir() -> Path:
    """``$XDG_CACHE_HOME/bfimg``, else ``~/.cache/bfimg``. Raises InputError for a user without a home."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "bfimg"
    except RuntimeError:
        raise InputError("no home folder for the build cache", hint="set HOME or choose a --cache-dir") from None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled result. `name` is its key, which tells what it was made from, and a suffix."""

    name: str
    data: bytes


class BuildCache:
    """The entries in `folder`, for one build. Use it as a context manager.

    Several builds may use one folder at the same time, and several threads one object. `made` counts results made by
    this build, `reused` those that an earlier one left; each counts once, however often it is asked for.
    Raises InputError when the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()  # compilers run in another folder
        self.made = 0
        self.reused = 0
        self._results: dict[str, Future[Artifact]] = {}
        self._lock = Lock()
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=self.folder))
        self._remove_abandoned()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def obtain(self, parts: Iterable[bytes | str], suffix: str, make: Callable[[Path], None]) -> Artifact:
        """What was made from `parts`; `make` writes it to the path it is given when it is not there yet."""
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "little") + data)
        name = f"{digest.hexdigest()}{suffix}"
        with self._lock:
            result = self._results.get(name)
            first = result is None
            if result is None:
                result = self._results[name] = Future()
        if first:
            try:
                result.set_result(self._load(name) or self._make(name, make))
            except BaseException as error:
                result.set_exception(error)
        return result.result()

    def file(self, artifact: Artifact) -> Path:
        """The artifact as a file for a tool to read, there until the end of the build."""
        path = self._work / artifact.name
        with self._lock:
            if not path.exists():
                with self._writing():
                    path.write_bytes(artifact.data)
        return path

    def folder_of(self, texts: Mapping[str, str]) -> Path:
        """A folder with these files, by name, there until the end of the build."""
        with self._writing():
            folder = Path(tempfile.mkdtemp(dir=self._work))
            for name, text in texts.items():
                (folder / name).write_text(text, encoding="utf-8")
        return folder

    def _load(self, name: str) -> Artifact | None:
        try:
            entry = read_host_file(self.folder / name, hint="remove it")
        except InputError:
            return None
        data, digest = entry[:-_DIGEST_BYTES], entry[-_DIGEST_BYTES:]
        if digest != _digest(name, data):
            return None
        with self._lock:
            self.reused += 1
        return Artifact(name, data)

    def _make(self, name: str, make: Callable[[Path], None]) -> Artifact:
        path = self._work / name
        make(path)
        with self._writing():
            data = path.read_bytes()
            entry = self._work / f"{name}.entry"
            entry.write_bytes(data + _digest(name, data))
            entry.replace(self.folder / name)
        with self._lock:
            self.made += 1
        return Artifact(name, data)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}",
                path=str(self.folder),
                hint="free some room or choose another --cache-dir",
            ) from None

    def _remove_abandoned(self) -> None:
        """Remove what killed builds left."""
        for folder in self.folder.glob(f"{_WORK_PREFIX}*"):
            try:
                abandoned = time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS
            except OSError:
                continue  # another build has just removed it
            if abandoned:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + data).digest()


@contextmanager
def open_cache(folder: Path | None = None) -> Iterator[BuildCache]:
    """The cache in `folder`, else in the default place; else, when that cannot be written, an empty one for this build.

    Raises InputError when `folder` cannot be written.
    """
    try:
        cache = BuildCache(folder or default_cache_dir())
    except InputError:
        if folder is not None:
            raise
        with _temporary_folder() as temporary, BuildCache(temporary) as cache:
            yield cache
        return
    with cache:
        yield cache


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        temporary = tempfile.TemporaryDirectory(prefix="bfimg-")
    except OSError:
        raise InputError("no folder for temporary files", hint="choose a --cache-dir") from None
    with temporary as name:
        yield Path(name)
