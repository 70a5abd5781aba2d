"""Layout files are checked key by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from bfimg.build.layout import default_layout, load_layout
from bfimg.errors import FormatError, InputError


def load(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "layout.toml"
    path.write_text(text)
    return load_layout(path)


def test_the_default_layout() -> None:
    layout = default_layout()
    assert layout.image_size == 33 << 20
    assert (layout.native_modules, layout.bitcode_modules) == (None, ())
    assert [file.target for file in layout.files] == ["/BAREFLOW.CFG"]


def test_every_key(tmp_path: Path) -> None:
    layout = load(
        tmp_path,
        """
        [image]
        size = "10.5MiB"
        disk_signature = 1
        [kernel]
        sources = "sub/kernel"
        pad_to = "64 KiB"
        [volume]
        label = "X"
        volume_id = 0xFFFFFFFF
        sectors_per_cluster = 2
        root_entries = 64
        [modules]
        native = ["sum"]
        bitcode = "all"
        [[file]]
        to = "A/B.TXT"
        from = "b.txt"
        """,
    )
    assert layout.image_size == 11_010_048
    assert layout.kernel_sources == tmp_path / "sub/kernel"
    assert layout.kernel_pad_to == 65536
    assert (layout.disk_signature, layout.volume_id, layout.root_entries) == (1, 0xFFFFFFFF, 64)
    assert (layout.native_modules, layout.bitcode_modules) == (("sum",), None)
    assert (layout.files[0].target, layout.files[0].source) == ("/A/B.TXT", tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"image\.size: is missing"),
        ("[image]\nsize = 1.5", r"image\.size: 1\.5 is no size"),
        ("[image]\nsize = true", "is no size"),
        ("[image]\nsize = '33 apples'", "is no size"),
        ("[image]\nsize = 1000", "no whole sectors"),
        ("[image]\nsize = '129GiB'", "no whole sectors up to 128 GiB"),
        ("[image]\nsize = '1MiB'\ncolour = 1", r"image\.colour: is not a key"),
        ("[image]\nsize = '1MiB'\n[imge]\n", "imge: is not a key"),
        ("image = 3", "image: is no table"),
        ("[image]\nsize = '1MiB'\ndisk_signature = -1", r"disk_signature: is -1, must be in 0\.\.4294967295"),
        ("[image]\nsize = '1MiB'\n[volume]\nlabel = 3", r"volume\.label: is no text"),
        ("[image]\nsize = '1MiB'\n[volume]\nroot_entries = 17", "do not fill whole sectors"),
        ("[image]\nsize = '1MiB'\n[modules]\nnative = 'some'", r"modules\.native: is neither"),
        ("[image]\nsize = '1MiB'\n[[file]]\nto = '/A'", r"file\[0\]\.from: give either from or text"),
        ("[image]\nsize = '1MiB'\n[[file]]\ntext = 'x'", r"file\[0\]\.to: is missing"),
        ("[image]\nsize = '1MiB'\n[file]\nto = 'x'", "file: is no array of tables"),
        ("[image", "is no TOML"),
    ],
)
def test_wrong_layouts_name_the_key(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        load(tmp_path, text)


def test_a_missing_layout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: cannot be read: No such file"):
        load_layout(tmp_path / "none.toml")
