"""Files that are wrong, given to each verb: one line, the designed exit code, and nothing written."""

import hashlib
import os
import random
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bfimg.formats.memory_map import memory_region
from bfimg.module.wrap import native_module, wrap_bitcode

KIB = 1024
PROGRAM = "unsigned {name}_main(unsigned n) {{ return n * 3; }}\n"


@pytest.fixture
def unchanged(disk):
    """Function that asserts that a verb was refused in one line and that the image and its folder are as before."""

    def state():
        names = sorted(path.name for path in disk.parent.iterdir())
        return hashlib.sha256(disk.read_bytes()).digest(), names

    def check(verb, code, text):
        before = state()
        result = verb()
        assert (result.code, result.out) == (code, ""), result
        assert result.err.startswith("bfimg: ") and result.err.count("\n") == 1
        assert text in result.err
        assert state() == before

    return check


@pytest.fixture
def bitcode(repository):
    return (repository / "samples" / "sha256.bc").read_bytes()


def damaged_modules(bitcode):
    """Contents of module files: exit code of add-module, and what its message must say."""
    wrapped = bytearray(wrap_bitcode(bitcode, name="sha256", entry="sha256_main"))
    wrong_crc = wrapped.copy()
    wrong_crc[-1] ^= 1
    huge_size = wrapped.copy()
    huge_size[12:16] = b"\xff\xff\xff\xff"
    native = native_module("test", b"\xc3" * 100)
    return {
        "empty.bc": (b"", 2, "is empty"),
        "one_byte.bc": (b"B", 2, "has no module magic"),
        "random.bc": (random.Random(5).randbytes(5000), 2, "has no module magic"),
        "magic_only.bc": (bitcode[:4], 2, ""),
        "half.bc": (bitcode[: len(bitcode) // 2], 2, ""),
        "noise_behind_magic.bc": (bitcode[:4] + random.Random(6).randbytes(5000), 2, ""),
        "half_written.bc": (bytes(wrapped[: len(wrapped) // 2]), 2, "the file has"),
        "wrong_crc.bc": (bytes(wrong_crc), 2, "payload_crc is"),
        "huge_size.bc": (bytes(huge_size), 2, ""),
        "short.mod": (native[:27], 2, "is 27 bytes, its header alone is 48"),
        "half.mod": (native[:100], 2, "code_size is 100, 52 bytes follow the header"),
        "wrong_magic.mod": (b"X" + native[1:], 2, "has no module magic"),
        "too_large.bc": (bitcode[:4] + bytes(memory_region("file_buffer").size), 1, "1048576"),
        "wrong.c": (b"int main(", 1, "clang failed"),
        "wrong.ll": (b"hello", 1, "names no target"),
    }


@pytest.mark.parametrize("name", damaged_modules(bytes(2000)))
def test_add_module_refuses_a_damaged_file(unchanged, bfimg, disk, bitcode, name):
    data, code, text = damaged_modules(bitcode)[name]
    source = disk.parent / name
    source.write_bytes(data)
    unchanged(lambda: bfimg("add-module", "-i", disk, source), code, text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--name", "x" * 32), "module.name"),
        (("--name", ""), "module.name"),
        (("--name", "a/b"), ""),
        (("--name", "ünï"), "module.name"),
        (("--entry", "x" * 48), ""),
        (("--entry", "not_there"), "not_there"),
    ],
)
def test_add_module_refuses_names_that_cannot_be(unchanged, bfimg, disk, repository, arguments, text):
    source = repository / "samples" / "sha256.bc"
    unchanged(lambda: bfimg("add-module", "-i", disk, source, *arguments), 2, text)


def test_one_bad_file_of_several_keeps_all_out(unchanged, bfimg, disk, repository):
    bad = disk.parent / "bad.bc"
    bad.write_bytes(b"bad")
    unchanged(lambda: bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc", bad), 2, "bad.bc")


def damaged_images(image):
    return {
        "empty.img": b"",
        "zeros.img": bytes(64 * KIB),
        "random.img": random.Random(7).randbytes(64 * KIB),
        "boot_sector_only.img": image[:512],
        "cut_before_the_volume.img": image[: 1024 * KIB],
        "cut_in_the_volume.img": image[: 1200 * KIB],
        "without_the_boot_sector_of_the_volume.img": image[: 1024 * KIB] + bytes(512) + image[1024 * KIB + 512 :],
    }


@pytest.mark.parametrize("name", damaged_images(b""))
def test_add_module_refuses_a_damaged_image(bfimg, disk, tmp_path, repository, name):
    data = damaged_images(disk.read_bytes())[name]
    image = tmp_path / name
    image.write_bytes(data)
    result = bfimg("add-module", "-i", image, repository / "samples" / "sha256.bc")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert name in result.err
    assert image.read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "disk.img"])


@pytest.mark.parametrize("name", damaged_images(b""))
def test_inspect_describes_a_damaged_image(bfimg, disk, tmp_path, name):
    image = tmp_path / name
    image.write_bytes(damaged_images(disk.read_bytes())[name])
    result = bfimg("inspect", image)
    assert (result.code, result.err) == (0, "")
    sound = "no problems found" in result.out and "unknown" not in result.out.splitlines()[0]
    assert sound == (name == "without_the_boot_sector_of_the_volume.img"), result.out


@pytest.mark.parametrize("verb", [("inspect",), ("boot",), ("add-module", "-i")])
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_image_that_is_no_file(bfimg, tmp_path, repository, verb, kind):
    image = tmp_path if kind == "folder" else tmp_path / "missing.img"
    sources = [repository / "samples" / "sha256.bc"] if verb[0] == "add-module" else []
    result = bfimg(*verb, image, *sources)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert str(image) in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["zeros.img", "random.img", "boot_sector_only.img", "cut_before_the_volume.img"])
def test_boot_fails_on_a_damaged_image(bfimg, disk, tmp_path, name):
    image = tmp_path / name
    image.write_bytes(damaged_images(disk.read_bytes())[name])
    result = bfimg("boot", "--timeout", "2", "-q", image)
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("failed: ") and result.out.count("\n") == 1


def test_boot_refuses_an_empty_image(bfimg, tmp_path):
    (tmp_path / "empty.img").write_bytes(b"")
    result = bfimg("boot", tmp_path / "empty.img")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("layout", "code", "text"),
    [
        ("[image", 2, "is no TOML"),
        ("\x00", 2, "is no TOML"),
        ("", 2, "image.size: is missing"),
        ("[image]\nsize = '1MiB'\n", 1, "2048 are taken"),
        ("[image]\nsize = '2MiB'\n", 1, "FAT16"),
        ("[image]\nsize = '9999999GiB'\n", 2, "image.size"),
        ("[image]\nsize = '33MiB'\ncolour = 1\n", 2, "image.colour: is not a key"),
        ("[image]\nsize = '33MiB'\n[modules]\nnative = ['none']\n", 2, "no module program 'none'"),
        ("[image]\nsize = '33MiB'\n[kernel]\nsources = 'absent'\n", 2, "absent"),
        ("[image]\nsize = '33MiB'\n[volume]\nlabel = 'much too long'\n", 2, "is no volume label"),
        ("[image]\nsize = '33MiB'\n[[file]]\nto = '/A.TXT'\nfrom = 'absent.txt'\n", 2, "absent.txt"),
        ("[image]\nsize = '33MiB'\n[[file]]\nto = '/A.TXT'\nfrom = 'large.bin'\n", 1, ""),
        ("[image]\nsize = '33MiB'\n[[file]]\nto = '/" + "x" * 256 + "'\ntext = ''\n", 2, ""),
        ("[image]\nsize = '33MiB'\n[[file]]\nto = '/a?b'\ntext = ''\n", 2, ""),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_build_refuses_a_layout_that_cannot_be(unchanged, bfimg, disk, layout, code, text):
    folder = disk.parent
    (folder / "layout.toml").write_text(layout)
    with (folder / "large.bin").open("wb") as file:
        file.truncate(40 << 20)
    unchanged(lambda: bfimg("build", folder / "layout.toml", "-o", disk), code, text)


def test_place_that_cannot_be_written(unchanged, bfimg, disk, repository):
    # Not even root makes files in /proc.
    source = repository / "samples" / "sha256.bc"
    unchanged(lambda: bfimg("build", "-o", "/proc/disk.img"), 2, "/proc/disk.img")
    unchanged(lambda: bfimg("add-module", "-i", disk, source, "-o", "/proc/disk.img"), 2, "/proc/disk.img")
    unchanged(lambda: bfimg("build", "-o", disk.parent / "absent" / "disk.img"), 2, "absent")


def test_folder_that_is_read_only_leaves_the_image_alone(unchanged, disk, repository):
    # Root may write everywhere; without this capability it is bound by the mode, as everybody is.
    bound = ("setpriv", "--bounding-set=-dac_override") if os.geteuid() == 0 else ()

    def add():
        source = repository / "samples" / "sha256.bc"
        command = [*bound, sys.executable, "-m", "bfimg", "add-module", "-i", disk, source]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return SimpleNamespace(code=result.returncode, out=result.stdout, err=result.stderr)

    disk.parent.chmod(0o555)
    unchanged(add, 2, f"{disk}: cannot be written: Permission denied")
    disk.parent.chmod(0o755)


def test_file_system_that_fills_up_half_way_leaves_the_old_image(unchanged, bfimg, disk, repository):
    source = repository / "samples" / "sha256.bc"
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, old[1]))
        unchanged(lambda: bfimg("add-module", "-i", disk, source), 2, "cannot be written")
        unchanged(lambda: bfimg("build", "-o", disk), 2, "cannot be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("source", ["prog.c", "prog.cpp", "two words.c", "it's $HOME.c"])
def test_bitcode_for_64_bits_is_refused_with_the_command_that_makes_it_right(unchanged, bfimg, disk, source):
    folder = disk.parent
    language = 'extern "C" ' if source.endswith(".cpp") else ""
    (folder / source).write_text(language + PROGRAM.format(name="prog"))
    bitcode = (folder / source).with_suffix(".bc")
    command = ["clang", "--target=x86_64-pc-linux-gnu", "-emit-llvm", "-c", source, "-o", bitcode.name]
    subprocess.run(command, cwd=folder, check=True)

    messages = []

    def add():
        result = bfimg("add-module", "-i", disk, bitcode)
        messages.append(result.err)
        return result

    unchanged(add, 1, "bitcode for 'x86_64-pc-linux-gnu'")
    hint = messages[0].rstrip("\n").partition("; make it with: ")[2]
    subprocess.run(hint, shell=True, cwd=folder, check=True)
    result = bfimg("add-module", "-i", disk, bitcode)
    assert (result.code, result.err) == (0, "")
    assert "entry prog_main" in result.out
