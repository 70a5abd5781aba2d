"""The real QEMU with boot sectors made by hand. None has the kernel, so none may pass."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bfimg.boot import BootOptions, BootReport, Terminal, boot
from bfimg.boot.options import MEMORY_MAX_MIB, MEMORY_MIN_MIB
from bfimg.errors import ToolError, UsageError

PASSED = 0x10
# cli; lidt [0x7c20] (an empty table); int3. The exception finds no handler, nor does the one after.
TRIPLE_FAULT = bytes.fromhex("fa 0f 01 1e 20 7c cc")
ENDLESS = bytes.fromhex("fa f4 eb fd")  # cli; hlt; jmp -3


def boot_sector(code: bytes) -> bytes:
    return code.ljust(510, b"\0") + b"\x55\xaa"


def print_text(text: bytes) -> bytes:
    """Code that writes `text` to COM1."""
    code = bytes.fromhex("ba f8 03")  # mov dx, 0x3f8
    for byte in text:
        code += bytes([0xB0, byte, 0xEE])  # mov al, byte; out dx, al
    return code


def print_and_exit(text: bytes, value: int) -> bytes:
    """Code that writes `text` to COM1 and `value` to isa-debug-exit."""
    return print_text(text) + bytes([0xB0, value, 0xE6, 0xF4]) + ENDLESS  # mov al, value; out 0xf4, al


def time_a_loop_and_exit(value: int) -> bytes:
    """Code that writes the cycles of 100,000 rounds of dec/jnz to COM1, as eight letters A to P, lowest first."""
    code = bytes.fromhex("fa 66 b9 a0 86 01 00")  # cli; mov ecx, 100000
    code += bytes.fromhex("0f 31 66 89 c3")  # rdtsc; mov ebx, eax
    code += bytes.fromhex("66 49 75 fc")  # dec ecx; jnz -4
    code += bytes.fromhex("0f 31 66 29 d8 66 89 c3 ba f8 03")  # rdtsc; sub eax, ebx; mov ebx, eax; mov dx, 0x3f8
    # mov al, bl; and al, 15; add al, 'A'; out dx, al; shr ebx, 4
    code += bytes.fromhex("88 d8 24 0f 04 41 ee 66 c1 eb 04") * 8
    return code + bytes([0xB0, value, 0xE6, 0xF4]) + ENDLESS


# xor ah, ah; int 16h (waits for a key); mov dx, 0x3f8; out dx, al
ECHO_KEY = bytes.fromhex("30 e4 cd 16 ba f8 03 ee")
# mov dx, 0x3fd; in al, dx; test al, 1; jz -5 (waits for a byte from COM1); mov dx, 0x3f8; in al, dx; out dx, al
ECHO_SERIAL = bytes.fromhex("ba fd 03 ec a8 01 74 fb ba f8 03 ec ee")
WAIT_KEY = b'\n@@ {"event":"wait_key"}\n'


def run(path: Path, code: bytes, tail: bytes = b"", **options: object) -> BootReport:
    path.write_bytes(boot_sector(code) + tail)
    return boot(BootOptions(path, **{"timeout": 20, **options}))


def test_program_that_claims_to_have_passed_did_not_prove_that_it_booted(tmp_path):
    report = run(tmp_path / "a.img", print_and_exit(b"hello\r\n", PASSED), expect=("hello",))
    assert (report.exit_value, report.qemu_status) == ("PASSED", 33)
    assert report.transcript == "hello\n"
    assert report.expected[0].line == "hello"
    assert not report.passed
    assert report.reason == "the image did not prove that it booted: it sent no boot line"


@pytest.mark.parametrize("name", ["a,b.img", "-drive", "nbd:x", "json:{}", 'sp ace "é"\n%s.img', "d" * 200])
def test_any_file_name_boots(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert run(Path(name), print_and_exit(b"", PASSED)).exit_value == "PASSED"


@pytest.mark.parametrize("tail", [1, 511, 700])
def test_length_that_is_no_multiple_of_a_sector_boots(tmp_path, tail):
    report = run(tmp_path / "a.img", print_and_exit(b"", PASSED), tail=b"x" * tail)
    assert report.exit_value == "PASSED"


def test_floppy_boots_although_there_is_a_bootable_disk(tmp_path):
    other = tmp_path / "other.img"
    other.write_bytes(boot_sector(print_and_exit(b"disk\n", PASSED)))
    report = run(tmp_path / "a.img", print_and_exit(b"floppy\n", PASSED), floppy=True, slave=other)
    assert report.transcript == "floppy\n"


def test_disk_boots_with_a_slave_beside_it(tmp_path):
    other = tmp_path / "other.img"
    other.write_bytes(boot_sector(print_and_exit(b"slave\n", PASSED)))
    report = run(tmp_path / "a.img", print_and_exit(b"master\n", PASSED), slave=other)
    assert report.transcript == "master\n"


def test_guest_that_writes_does_not_change_the_image(tmp_path):
    # mov ax, 0x0301 (write one sector); mov cx, 1; mov bx, 0; mov dx, 0x80; int 13h
    # setc al; add al, 'A'; mov dx, 0x3f8; out dx, al
    write = bytes.fromhex("b8 01 03 b9 01 00 bb 00 00 ba 80 00 cd 13 0f 92 c0 04 41 ba f8 03 ee")
    path = tmp_path / "a.img"
    report = run(path, write + print_and_exit(b"\n", PASSED))
    assert report.transcript == "A\n", "the BIOS refused the write, so this proves nothing"
    assert path.read_bytes() == boot_sector(write + print_and_exit(b"\n", PASSED))


def test_triple_fault_ends_the_run(tmp_path):
    report = run(tmp_path / "a.img", TRIPLE_FAULT)
    assert report.qemu_status == 0
    assert report.reason == "QEMU ended without booting anything: no output, as from a boot sector that resets itself"


def test_triple_fault_after_a_sign_of_life_is_the_guests(tmp_path):
    report = run(tmp_path / "a.img", print_text(b"up\n") + TRIPLE_FAULT)
    assert report.reason == "the guest reset itself (triple fault) or shut down; last line: up"


def test_guest_that_hangs_is_timed_out(tmp_path):
    report = run(tmp_path / "a.img", ENDLESS, timeout=1)
    assert report.timed_out and 1 <= report.seconds < 3
    assert report.exit_value is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"machine": "no-such-machine"}, "unsupported machine type"),
        ({"cpu": "no-such-cpu"}, "unable to find CPU model 'no-such-cpu'"),
    ],
    ids=str,
)
def test_qemu_that_refuses_its_options_is_quoted(tmp_path, options, words):
    with pytest.raises(ToolError, match=words):
        run(tmp_path / "a.img", ENDLESS, **options)


@pytest.mark.parametrize("memory", [MEMORY_MIN_MIB, MEMORY_MAX_MIB])
def test_least_and_most_memory_start(tmp_path, memory):
    assert run(tmp_path / "a.img", print_and_exit(b"", PASSED), memory_mib=memory).exit_value == "PASSED"


def test_qemu_dies_with_bfimg_even_by_sigkill(tmp_path, wait_until_gone):
    image = tmp_path / "a.img"
    image.write_bytes(boot_sector(print_text(b"up\n") + ENDLESS))
    command = [sys.executable, "-m", "bfimg", "boot", str(image)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as verb:
        assert verb.stdout.readline() == b"up\n"
        children = Path(f"/proc/{verb.pid}/task/{verb.pid}/children").read_text().split()
        assert len(children) == 1
        verb.kill()
    assert wait_until_gone(int(children[0]))


def test_counting_instructions_makes_cycle_counts_exact(tmp_path):
    report = run(tmp_path / "a.img", time_a_loop_and_exit(PASSED), icount=True)
    cycles = sum((ord(letter) - ord("A")) << (4 * place) for place, letter in enumerate(report.transcript[:8]))
    # Two instructions a round, the mov before the loop and one rdtsc.
    assert cycles == 2 * 100_000 + 2


def test_missing_qemu_is_a_tool_error(tmp_path, monkeypatch):
    monkeypatch.setenv("BFIMG_QEMU", str(tmp_path / "absent"))
    with pytest.raises(ToolError, match="BFIMG_QEMU"):
        run(tmp_path / "a.img", ENDLESS)


def test_keys_reach_the_keyboard_when_the_guest_waits(tmp_path):
    code = (print_text(WAIT_KEY) + ECHO_KEY) * 3 + print_and_exit(b"\n", PASSED)
    report = run(tmp_path / "a.img", code, keys=("l", "shift-a", "1"))
    assert [line for line in report.transcript.splitlines() if not line.startswith("@@")] == ["", "l", "A", "1"]
    assert report.exit_value == "PASSED"


def test_key_that_this_qemu_does_not_know_is_refused(tmp_path):
    with pytest.raises(UsageError, match="QEMU has no key 'enter'; did you mean"):
        run(tmp_path / "a.img", ENDLESS, keys=("q", "enter"))


def test_machine_that_qemu_refuses_is_quoted_with_keys_too(tmp_path):
    with pytest.raises(ToolError, match="unable to find CPU model 'no-such-cpu'"):
        run(tmp_path / "a.img", ENDLESS, keys=("q",), cpu="no-such-cpu")


def test_guest_that_waits_for_more_keys_is_ended(tmp_path):
    code = (print_text(WAIT_KEY) + ECHO_KEY) * 2 + ENDLESS
    report = run(tmp_path / "a.img", code, keys=("q",))
    assert report.reason.startswith("stopped: the kernel waits for another key")


def test_what_is_typed_on_the_terminal_reaches_the_serial_port(tmp_path):
    side, terminal = pty.openpty()
    (tmp_path / "a.img").write_bytes(boot_sector(print_text(b">") + ECHO_SERIAL * 2 + print_and_exit(b"\n", PASSED)))
    shown = []

    def show(text):
        if not shown:
            os.write(side, b"xy")
        shown.append(text)

    options = BootOptions(tmp_path / "a.img", interactive=True, timeout=20)
    report = boot(options, terminal=Terminal(terminal, show))
    os.close(side)
    os.close(terminal)
    assert (report.transcript, "".join(shown)) == (">xy\n", ">xy\n")
