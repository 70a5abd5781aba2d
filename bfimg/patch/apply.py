"""Apply a patch to an image, as pending changes, when every byte it replaces is the one it expects."""

from __future__ import annotations

from bfimg.errors import MismatchError
from bfimg.formats.patch import PatchHeader
from bfimg.image.store import Store
from bfimg.patch.make import identity
from bfimg.patch.read import Hunk, Patch


def apply_patch(store: Store, patch: Patch, *, reverse: bool = False) -> None:
    """Replace the old bytes of each hunk with the new ones; with `reverse` the new ones with the old ones.

    The changes are pending until the store is committed. Raises MismatchError, naming the first hunk that does not
    fit, before anything is changed; FormatError when the patch file has changed since it was read.
    """
    size = patch.header.image_size
    if store.size != size:
        raise MismatchError(
            f"is {store.size} bytes, the patch is for {size}", path=store.name, hint="name the image it was made for"
        )
    for number, hunk in enumerate(patch.hunks(), 1):
        before, after = _sides(hunk, reverse)
        there = store.read(hunk.offset, len(before))
        if there != before:
            raise _mismatch(store, patch, number, hunk, already=there == after, reverse=reverse)
    for hunk in patch.hunks():
        store.write(hunk.offset, _sides(hunk, reverse)[1])


def _sides(hunk: Hunk, reverse: bool) -> tuple[bytes, bytes]:
    """(what must be there, what will be there)"""
    return (hunk.new, hunk.old) if reverse else (hunk.old, hunk.new)


def _mismatch(store: Store, patch: Patch, number: int, hunk: Hunk, *, already: bool, reverse: bool) -> MismatchError:
    if already:
        done = "reversed" if reverse else "applied"
        hint = f"it looks as if the patch was {done} before; nothing was changed"
    else:
        theirs, ours = _described(patch.header), _described(identity(store))
        hint = "nothing was changed"
        if theirs != ours:
            hint += f"; the patch was made from an image with {theirs}, this one has {ours}"
    return MismatchError(
        f"hunk {number} of {patch.hunk_count} does not fit: other bytes are there",
        path=store.name,
        offset=hunk.offset,
        field=hunk.region or None,
        hint=hint,
    )


def _described(header: PatchHeader) -> str:
    return f"disk signature {header.disk_signature:#010x}, volume id {header.volume_id:#010x}"
