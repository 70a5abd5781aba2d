"""Layout files are checked key by key."""

from __future__ import annotations

import os
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
    assert (layout.embedded_modules, layout.instrumented_modules) == (("fibonacci",), ())
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
        embedded = "all"
        [volume]
        label = "X"
        volume_id = 0xFFFFFFFF
        sectors_per_cluster = 2
        root_entries = 64
        [modules]
        native = ["sum"]
        bitcode = "all"
        instrument = ["sum"]
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
    assert (layout.embedded_modules, layout.instrumented_modules) == (None, ("sum",))
    assert (layout.files[0].target, layout.files[0].source) == ("/A/B.TXT", tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"image\.size: is missing"),
        ("[image]\nsize = 1.5", r"image\.size: is no size such as 33MiB"),
        ("[image]\nsize = true", "is no size"),
        ("[image]\nsize = '33 apples'", "is no size"),
        ("[image]\nsize = '1e999GiB'", r"image\.size: '1e999GiB' is no size: write bytes, or a number with K, M"),
        ("[image]\nsize = '" + "9" * 400 + "'", r"image\.size: '9+' is no size"),
        ("[image]\nsize = '0.1KiB'", r"image\.size: '0\.1KiB' is no whole number of bytes"),
        ("[image]\nsize = 1e999", r"image\.size: is no size"),
        ("[image]\nsize = 0x" + "f" * 5000, r"image\.size: is an integer of more than 64 bits"),
        ("[image]\nsize = [0x" + "f" * 5000 + "]", r"image\.size: is no size"),
        ("[image]\nsize = -512", r"image\.size: is -512, must be 0 or more"),
        ("[image]\nsize = '1MiB'\nvolume_id = 1", r"image\.volume_id: is not a key"),
        ("[image]\nsize = '1MiB'\n[volume]\nvolume_id = 0x" + "f" * 5000, r"volume_id: is an integer of more than 64"),
        ("[image]\nsize = '1MiB'\n[kernel]\npad_to = '1e999GiB'", r"kernel\.pad_to: '1e999GiB' is no size"),
        ("[image]\nsize = '1MiB'\n[kernel]\nsources = \"b\\u0000c\"", r"kernel\.sources: 'b\\x00c' is no path"),
        ("[image]\nsize = '1MiB'\n[[file]]\nto = 'A'\nfrom = \"b\\u0000c\"", r"file\[0\]\.from: 'b\\x00c' is no path"),
        ("a = " + "[" * 5000, "is no TOML"),
        ("[image]\nsize = 1000", "no whole sectors"),
        ("[image]\nsize = '129GiB'", "no whole sectors up to 128 GiB"),
        ("[image]\nsize = '1MiB'\ncolour = 1", r"image\.colour: is not a key"),
        ("[image]\nsize = '1MiB'\n[imge]\n", "imge: is not a key"),
        ("image = 3", "image: is no table"),
        ("[image]\nsize = '1MiB'\ndisk_signature = -1", r"disk_signature: is -1, must be in 0\.\.4294967295"),
        ("[image]\nsize = '1MiB'\n[volume]\nlabel = 3", r"volume\.label: is no text"),
        ("[image]\nsize = '1MiB'\n[volume]\nroot_entries = 17", "do not fill whole sectors"),
        ("[image]\nsize = '1MiB'\n[modules]\nnative = 'some'", r"modules\.native: is neither"),
        ("[image]\nsize = '1MiB'\n[modules]\ninstrument = true", r"modules\.instrument: is neither"),
        ("[image]\nsize = '1MiB'\n[kernel]\nembedded = [1]", r"kernel\.embedded: is neither"),
        ("[image]\nsize = '1MiB'\n[[file]]\nto = '/A'", r"file\[0\]\.from: give either from or text"),
        ("[image]\nsize = '1MiB'\n[[file]]\ntext = 'x'", r"file\[0\]\.to: is missing"),
        ("[image]\nsize = '1MiB'\n[file]\nto = 'x'", "file: is no array of tables"),
        ("[image", "is no TOML"),
    ],
)
def test_wrong_layouts_name_the_key(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("size", "bytes_"), [("10.5MiB", 11_010_048), ("8.123046875 MiB", 8_517_632), ("4294967296.5K", 4_398_046_511_616)]
)
def test_fractions_are_exact(tmp_path: Path, size: str, bytes_: int) -> None:
    text = f"[image]\nsize = '1MiB'\n[kernel]\npad_to = '{size}'"
    assert load(tmp_path, text).kernel_pad_to == bytes_


def test_a_layout_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: cannot be read: No such file"):
        load_layout(tmp_path / "none.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match=r"pipe\.toml: cannot be read: it is no regular file; name a layout file"):
        load_layout(tmp_path / "pipe.toml")
