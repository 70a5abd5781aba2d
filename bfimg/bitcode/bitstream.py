"""Reader for the LLVM bitstream container: blocks, records and abbreviations, without their meaning.

Specification: "LLVM Bitcode File Format", chapter "Bitstream Format". Docstrings quote its sections.
Bits are read from the least significant bit of each byte. Positions in here count bits from the start of the
stream; offsets that leave it (`Block.offset`, `Record.offset`, those of errors) count bytes of the file.

Nothing here recurses: a nested block is decoded only when the caller asks for its items, and is skipped by
its length word otherwise. Whatever the data, time and memory are at most linear in its size (see `_charge`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from bfimg.errors import FormatError

WORD_BITS = 32
MAX_OPERAND_BITS = 64  # "Data Records": values are integers of up to 64 bits
TOP_LEVEL = -1  # block id of what is outside all blocks; no block in a file can have it
TOP_LEVEL_WIDTH = 2  # "Blocks": width of abbreviation ids at the beginning of the stream
CHUNKS_AT_ONCE = 32  # best of 6 to 64 by measurement; see `_Cursor.vbrs`

# Bounds on what a damaged file can make us hold; LLVM stays far below them.
MAX_ABBREVIATIONS = 1024
MAX_ABBREVIATION_OPERANDS = 64
MAX_RECORD_OPERANDS = 1 << 20  # one for each byte of the longest string, such as module-level assembly

CHAR6 = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"

BLOCKINFO_BLOCK = 0
BLOCKINFO_SETBID = 1


CUT_SHORT = "the file is cut short or damaged: write it again"
DAMAGED = "the file is damaged: write it again"


# Builtin abbreviation ids ("Abbreviation IDs"); those that the stream defines follow.
END_BLOCK = 0
ENTER_SUBBLOCK = 1
DEFINE_ABBREV = 2
UNABBREV_RECORD = 3
FIRST_DEFINED_ABBREV = 4


class Encoding(IntEnum):
    """How a record's operand is stored ("DEFINE_ABBREV Encoding"). LITERAL has no code in the file."""

    LITERAL = 0
    FIXED = 1
    VBR = 2
    ARRAY = 3
    CHAR6 = 4
    BLOB = 5


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of an abbreviation. value: the literal itself, or the width in bits of FIXED and VBR."""

    encoding: Encoding
    value: int = 0


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """The layout of a record: scalars, the first of which is the code, then at most one array or blob."""

    scalars: tuple[Operand, ...]
    array_element: Operand | None = None
    has_blob: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A block that has been found, not read. Contents begin at start (a position); what follows, at end."""

    block_id: int
    offset: int
    abbreviation_width: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Record:
    """A data record. operands: those behind the code. blob: its byte string, if its abbreviation has one."""

    code: int
    operands: list[int]
    blob: bytes | None
    offset: int


class Bitstream:
    """A bitstream, from its four magic bytes ("Magic Numbers"; the caller checks them) to its end.

    base: byte offset of data in the file, path: the file's name; both serve error messages only.
    Raises FormatError here and in `items` for anything that is not a well-formed bitstream.
    """

    def __init__(self, data: bytes, *, base: int = 0, path: str | None = None) -> None:
        self._data = data
        self._base = base
        self._path = path
        self._blockinfo: dict[int, list[Abbreviation]] = {}
        self._abbreviation_count = 0
        self._budget = len(data) * 8
        if len(data) < WORD_BITS // 8 or len(data) * 8 % WORD_BITS:
            message = f"bitstream of {len(data)} bytes, which is not a whole number of 32-bit words"
            raise self.error(message, base + len(data), hint=CUT_SHORT)
        self.top = Block(TOP_LEVEL, base, TOP_LEVEL_WIDTH, start=WORD_BITS, end=len(data) * 8)

    def error(self, message: str, offset: int, *, field: str | None = None, hint: str | None = None) -> FormatError:
        """The error to raise for what stands at a byte offset of the file."""
        return FormatError(message, path=self._path, offset=offset, field=field, hint=hint)

    def error_at(self, position: int, message: str) -> FormatError:
        """The error to raise for what stands at a bit position of the stream."""
        return self.error(message, self._base + position // 8, hint=DAMAGED)

    def items(self, block: Block) -> Iterator[Record | Block]:
        """The records and nested blocks of a block, in order. `top` is what holds the outermost blocks.

        BLOCKINFO blocks are not yielded but taken in: get a block's items before those of what follows it.
        """
        cursor = _Cursor(self, self._data, block.start, block.end)
        abbreviations = list(self._blockinfo.get(block.block_id, ()))
        while not (block is self.top and cursor.position == block.end):
            start = cursor.position
            abbreviation_id = cursor.fixed(block.abbreviation_width)
            if abbreviation_id == ENTER_SUBBLOCK:
                nested = self._enter(cursor)
                if nested.block_id == BLOCKINFO_BLOCK:
                    self._read_blockinfo(nested)
                else:
                    yield nested
                cursor.position = nested.end
            elif block is self.top:
                raise self.error_at(start, "something other than a block stands outside all blocks")
            elif abbreviation_id == END_BLOCK:
                self._check_end(cursor, block)
                return
            elif abbreviation_id == DEFINE_ABBREV:
                abbreviations.append(self._define(cursor))
            else:
                yield self._record(cursor, start, abbreviation_id, abbreviations)

    def _enter(self, cursor: _Cursor) -> Block:
        """Read behind the abbreviation id of "ENTER_SUBBLOCK Encoding"."""
        start = cursor.position
        block_id = cursor.vbr(8)
        width = cursor.vbr(4)
        cursor.align32()
        size = cursor.fixed(WORD_BITS) * WORD_BITS
        room = cursor.end - cursor.position
        if not 1 <= width <= WORD_BITS:
            message = f"block {block_id} has abbreviation ids of {width} bits, not 1 to {WORD_BITS}"
            raise self.error_at(start, message)
        if size > room:
            message = f"block {block_id} is {size // 8} bytes long, but only {room // 8} are left"
            raise self.error(message, self._base + start // 8, hint=CUT_SHORT)
        return Block(block_id, self._base + start // 8, width, cursor.position, cursor.position + size)

    def _check_end(self, cursor: _Cursor, block: Block) -> None:
        """Read behind the abbreviation id of "END_BLOCK Encoding": it must end where its length word says."""
        start = cursor.position
        cursor.align32()
        if cursor.position != block.end:
            message = f"block {block.block_id} ends {(block.end - cursor.position) // 8} bytes early"
            raise self.error_at(start, message)

    def _read_blockinfo(self, block: Block) -> None:
        """Keep the abbreviations of a "BLOCKINFO Block", with which other blocks begin; skip the names."""
        cursor = _Cursor(self, self._data, block.start, block.end)
        described: list[Abbreviation] | None = None
        while True:
            start = cursor.position
            abbreviation_id = cursor.fixed(block.abbreviation_width)
            if abbreviation_id == END_BLOCK:
                self._check_end(cursor, block)
                return
            if abbreviation_id == ENTER_SUBBLOCK:
                cursor.position = self._enter(cursor).end
            elif abbreviation_id == DEFINE_ABBREV:
                if described is None:
                    raise self.error_at(start, "BLOCKINFO defines an abbreviation before it names a block")
                described.append(self._define(cursor))
            else:
                record = self._record(cursor, start, abbreviation_id, [])
                if record.code == BLOCKINFO_SETBID:
                    if not record.operands:
                        raise self.error_at(start, "BLOCKINFO names no block in SETBID")
                    described = self._blockinfo.setdefault(record.operands[0], [])

    def _define(self, cursor: _Cursor) -> Abbreviation:
        """Read behind the abbreviation id of "DEFINE_ABBREV Encoding"."""
        start = cursor.position
        self._abbreviation_count += 1
        if self._abbreviation_count > MAX_ABBREVIATIONS:
            raise self.error_at(start, f"more than {MAX_ABBREVIATIONS} abbreviations")
        count = cursor.vbr(5)
        if not 1 <= count <= MAX_ABBREVIATION_OPERANDS:
            message = f"abbreviation of {count} operands, not 1 to {MAX_ABBREVIATION_OPERANDS}"
            raise self.error_at(start, message)
        operands = [self._define_operand(cursor) for _ in range(count)]

        scalars, tail = operands, operands[count:]
        for index, operand in enumerate(operands):
            if operand.encoding in (Encoding.ARRAY, Encoding.BLOB):
                scalars, tail = operands[:index], operands[index:]
                break
        if not scalars:
            raise self.error_at(start, "abbreviation begins with an array or a blob, not with the record code")
        match [operand.encoding for operand in tail]:
            case []:
                return Abbreviation(tuple(scalars))
            case [Encoding.BLOB]:
                return Abbreviation(tuple(scalars), has_blob=True)
            case [Encoding.ARRAY, Encoding.FIXED | Encoding.VBR | Encoding.CHAR6]:
                return Abbreviation(tuple(scalars), array_element=tail[1])
        message = "abbreviation has an array or a blob that is not last, or an array of no element type"
        raise self.error_at(start, message)

    def _define_operand(self, cursor: _Cursor) -> Operand:
        start = cursor.position
        if cursor.fixed(1):
            return Operand(Encoding.LITERAL, cursor.vbr(8))
        code = cursor.fixed(3)
        if not Encoding.FIXED <= code <= Encoding.BLOB:
            raise self.error_at(start, f"abbreviation operand has the unknown encoding {code}")
        encoding = Encoding(code)
        if encoding not in (Encoding.FIXED, Encoding.VBR):
            return Operand(encoding)
        width = cursor.vbr(5)
        if width == 0:  # LLVM writes a field that is always zero this way
            return Operand(Encoding.LITERAL, 0)
        if width > MAX_OPERAND_BITS or (encoding is Encoding.VBR and width == 1):
            raise self.error_at(start, f"abbreviation operand has an impossible width of {width} bits")
        return Operand(encoding, width)

    def _record(self, cursor: _Cursor, start: int, abbreviation_id: int, abbreviations: list[Abbreviation]) -> Record:
        """Read behind the abbreviation id of "UNABBREV_RECORD Encoding" or "Abbreviated Record Encoding"."""
        offset = self._base + start // 8
        if abbreviation_id == UNABBREV_RECORD:
            code, count = cursor.vbrs(6, 2)
            self._charge(8 + count, start)
            return Record(code, cursor.vbrs(6, count), None, offset)

        index = abbreviation_id - FIRST_DEFINED_ABBREV
        if index >= len(abbreviations):
            raise self.error_at(start, f"record uses abbreviation {abbreviation_id}, which is not defined")
        abbreviation = abbreviations[index]
        self._charge(8 + len(abbreviation.scalars), start)
        code, *operands = [cursor.scalar(operand) for operand in abbreviation.scalars]
        blob = None
        if abbreviation.array_element is not None:
            count = cursor.vbr(6)
            self._charge(count, start)
            operands += [cursor.scalar(abbreviation.array_element) for _ in range(count)]
        elif abbreviation.has_blob:
            blob = cursor.blob(cursor.vbr(6))
        return Record(code, operands, blob, offset)

    def _charge(self, cost: int, start: int) -> None:
        """Take the cost of a record, 8 and one for each operand, from the budget before operands are read.

        The budget is the stream's size in bits. Over a whole file, a writer spends more bits than that; a
        hostile file need not: an abbreviation that is all literals turns every 2 bits into 64 operands.
        """
        if cost > MAX_RECORD_OPERANDS:
            raise self.error_at(start, f"record of more than {MAX_RECORD_OPERANDS} operands")
        self._budget -= cost
        if self._budget < 0:
            raise self.error_at(start, "records hold more than a file of this size can")


class _Cursor:
    """Reads the "Primitives" of a stream from a position up to end, and never beyond it."""

    __slots__ = ("_data", "_stream", "end", "position")

    def __init__(self, stream: Bitstream, data: bytes, position: int, end: int) -> None:
        self._stream = stream
        self._data = data
        self.position = position
        self.end = end

    def fixed(self, width: int) -> int:
        """A fixed width integer."""
        start = self.position
        stop = start + width
        if stop > self.end:
            raise self._short(start, width)
        self.position = stop
        window = int.from_bytes(self._data[start >> 3 : (stop + 7) >> 3], "little") >> (start & 7)
        return window & ((1 << width) - 1)

    def vbr(self, width: int) -> int:
        """A variable width integer of at most 64 bits."""
        return self.vbrs(width, 1)[0]

    def vbrs(self, width: int, count: int) -> list[int]:
        """Variable width integers in a row.

        Each integer yet to come has at least one chunk, so that many are fetched together. This takes a third
        off the time of a summary, against one `fixed` for each: unabbreviated records are most of the work.
        """
        more = 1 << (width - 1)
        mask = (1 << width) - 1
        values: list[int] = []
        value = shift = 0  # of an integer in several chunks, so far
        while len(values) < count:
            bits = min(count - len(values), CHUNKS_AT_ONCE) * width
            window = self.fixed(bits)
            for position in range(0, bits, width):
                chunk = window >> position & mask
                if chunk >= more:
                    value |= (chunk - more) << shift
                    shift += width - 1
                    if shift >= MAX_OPERAND_BITS:
                        raise self._too_large()
                elif shift:
                    value |= chunk << shift
                    if value >> MAX_OPERAND_BITS:
                        raise self._too_large()
                    values.append(value)
                    value = shift = 0
                else:
                    values.append(chunk)
        return values

    def _too_large(self) -> FormatError:
        message = f"variable width integer exceeds {MAX_OPERAND_BITS} bits"
        return self._stream.error_at(self.position, message)

    def scalar(self, operand: Operand) -> int:
        """One operand of an abbreviated record that is neither array nor blob."""
        encoding = operand.encoding
        if encoding is Encoding.LITERAL:
            return operand.value
        if encoding is Encoding.FIXED:
            return self.fixed(operand.value)
        if encoding is Encoding.VBR:
            return self.vbr(operand.value)
        return CHAR6[self.fixed(6)]

    def align32(self) -> None:
        """Move to the next multiple of 32 bits from the start of the stream."""
        aligned = -(-self.position // WORD_BITS) * WORD_BITS
        self.fixed(aligned - self.position)

    def blob(self, size: int) -> bytes:
        """The bytes of a blob operand, behind its length, with the padding on both sides."""
        self.align32()
        first = self.position // 8
        room = (self.end - self.position) // 8
        if size > room:
            message = f"blob of {size} bytes where {room} are left in the block"
            raise self._stream.error_at(self.position, message)
        self.position += size * 8
        self.align32()
        return self._data[first : first + size]

    def _short(self, position: int, width: int) -> FormatError:
        message = f"{width} bits are wanted where {self.end - position} are left in the block"
        return self._stream.error_at(position, message)
