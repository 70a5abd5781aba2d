"""Machine lines: what is an event, what is malformed, what is for people."""

import pytest

from bfimg.boot.serial_protocol import NESTING_MAX, is_event_line, parse_machine_lines

MODULE = '"event":"module","file":"/SUM.MOD","kind":"native","status":"passed"'


def nested(levels: int) -> str:
    return '@@ {"event":"x","a":' + "[" * levels + "]" * levels + "}"


@pytest.mark.parametrize(
    "line",
    [
        "@@ ",
        "@@ not json",
        "@@ []",
        "@@ 1",
        "@@ {}",
        '@@ {"event":1}',
        '@@ {"event":"done"} trailing',
        '@@ {"event":"done"',
        '@@ {"event":"done","a":NaN}',
        '@@ {"event":"done","a":-Infinity}',
        '@@ {"event":"done","a":' + "9" * 5000 + "}",
        nested(NESTING_MAX),
        nested(100_000),
        '@@ {"event":"module"}',
        f'@@ {{{MODULE},"name":7}}',
        f'@@ {{{MODULE},"cycles":"7"}}',
        f'@@ {{{MODULE},"answer":true}}',
        f'@@ {{{MODULE},"answer":1.5}}',
        '@@ {"event":"module","name":"sum","file":"/SUM.MOD"}',
    ],
)
def test_malformed_line_is_kept_apart(line):
    parsed = parse_machine_lines(["@@ " + '{"event":"boot"}', line])
    assert parsed.malformed == (line,)
    assert parsed.events == ({"event": "boot"},)
    assert parsed.modules == ()


@pytest.mark.parametrize("line", ["", "@", "@@", "@@{}", " @@ {}", "BareFlow", "--- @@ {}"])
def test_line_for_people_is_no_machine_line(line):
    parsed = parse_machine_lines([line])
    assert parsed.events == parsed.malformed == ()
    assert not is_event_line(line)


@pytest.mark.parametrize("printed", ["hello", "@@ ", "@ @@"])
def test_event_behind_what_a_module_printed_is_found(printed):
    parsed = parse_machine_lines([printed + "@@ {" + MODULE + "}"])
    assert [module.file for module in parsed.modules] == ["/SUM.MOD"]
    assert parsed.malformed == ()


def test_event_may_be_nested_as_deep_as_allowed():
    assert is_event_line(nested(NESTING_MAX - 1))


def test_module_that_could_not_be_read_goes_by_its_file_name():
    (module,) = parse_machine_lines([f"@@ {{{MODULE}}}"]).modules
    assert (module.name, module.file, module.cycles) == ("/SUM.MOD", "/SUM.MOD", None)


def test_numbers_of_64_bits_stay_whole():
    line = f'@@ {{{MODULE},"name":"sum","cycles":18446744073709551615}}'
    assert parse_machine_lines([line]).modules[0].cycles == 2**64 - 1


def test_events_are_found_by_kind_in_order():
    parsed = parse_machine_lines(['@@ {"event":"file","n":1}', "x", '@@ {"event":"a"}', '@@ {"event":"file","n":2}'])
    assert [event["n"] for event in parsed.of("file")] == [1, 2]
