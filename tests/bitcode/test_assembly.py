"""LLVM's printed assembly becomes typed objects."""

from __future__ import annotations

import struct

import pytest

from bfimg.bitcode.assembly import read_module
from bfimg.bitcode.ir import Composite, Expression, GlobalName, Number, Text, Zero
from bfimg.bitcode.tokens import Cursor, tokens_of, unquote
from bfimg.bitcode.types import DOUBLE, FLOAT, I8, I32, I64, PTR, ArrayType, DataLayout, IntType, StructType, VectorType
from bfimg.errors import FormatError
from tests.bitcode.oracle import LAYOUT, printed


def test_tokens() -> None:
    text = '%a = add nsw i32 %"b c", -5 ; a comment "with text"\n7:  ret float 0x3FF0000000000000, c"a;b\\00", 1.5e+00'
    assert tokens_of(text) == [
        *("%a", "=", "add", "nsw", "i32", '%"b c"', ",", "-5", "\n"),
        *("7:", "ret", "float", "0x3FF0000000000000", ",", 'c"a;b\\00"', ",", "1.5e+00"),
    ]
    assert unquote('c"a\\0A\\\\b"') == b"a\n\\b"
    assert unquote('"plain"') == b"plain"


def test_a_group_that_never_ends() -> None:
    with pytest.raises(FormatError, match="a closing bracket was expected"):
        Cursor(tokens_of("( a [ b")).skip_group()


def test_sizes_and_offsets_follow_the_layout() -> None:
    i686 = DataLayout(LAYOUT)
    fields = (I8, I64, IntType(24), DOUBLE, ArrayType(3, I8))
    assert i686.offsets(StructType(fields)) == (0, 4, 12, 16, 24, 27)
    assert i686.size(StructType(fields)) == 28
    assert i686.offsets(StructType(fields, packed=True)) == (0, 1, 9, 13, 21, 24)
    assert i686.size(StructType(fields, packed=True)) == 24
    assert i686.size(IntType(65)) == 16
    assert i686.size(PTR) == 4
    assert i686.store_size(IntType(20)) == 3
    assert i686.alignment(VectorType(4, FLOAT)) == 16
    assert i686.offsets(VectorType(4, IntType(16))) == (0, 2, 4, 6, 8)
    assert i686.store_size(VectorType(8, IntType(1))) == 1
    assert i686.alignment(VectorType(3, I8)) == 4
    assert i686.size(StructType(())) == 0
    other = DataLayout("e-i64:64-f64:64")
    assert other.offsets(StructType((I8, I64, I8, DOUBLE))) == (0, 8, 16, 24, 32)
    assert other.alignment(IntType(100)) == 8
    with_zero = ArrayType(4, StructType(()))
    assert i686.offsets(with_zero) == (0, 0, 0, 0, 0)


def test_constants() -> None:
    module = read_module(
        printed(
            """
            %s = type { i8, [2 x float], ptr }
            @a = global %s { i8 -1, [2 x float] [float 0x3FB99999A0000000, float 0x7FF8000020000000], ptr @b }
            @b = constant [4 x i8] c"a\\22\\00\\FF"
            @c = external global i32
            @d = global <2 x i16> splat (i16 3), align 32
            @e = global double 0x8000000000000000
            @f = internal global ptr getelementptr inbounds (i8, ptr @b, i32 2)
            @g = global <{ i8, i1 }> <{ i8 poison, i1 true }>
            @"odd name" = global i32 undef
            @h = global double 0x7FF0000000000000
            """
        )
    )
    a = module.variables["a"].initial
    assert isinstance(a, Composite)
    assert a.elements[0] == Number(I8, 255)
    floats = a.elements[1]
    assert isinstance(floats, Composite)
    assert floats.elements[0] == Number(FLOAT, struct.unpack("<I", struct.pack("<f", 0.1))[0])
    assert floats.elements[1] == Number(FLOAT, 0x7FC00001)
    assert a.elements[2] == GlobalName(PTR, "b")
    assert module.variables["b"].initial == Text(ArrayType(4, I8), b'a"\0\xff')
    assert module.variables["b"].constant
    assert module.variables["c"].initial is None
    assert module.variables["d"].alignment == 32
    assert module.variables["e"].initial == Number(DOUBLE, 1 << 63)
    assert module.variables["h"].initial == Number(DOUBLE, 0x7FF << 52)
    assert isinstance(module.variables["f"].initial, Expression)
    assert module.variables["g"].initial == Composite(
        StructType((I8, IntType(1)), True), (Zero(I8), Number(IntType(1), 1))
    )
    assert module.variables["odd name"].initial == Zero(I32)
    assert "global a: { i8, [2 x float], ptr } (i8 0xff," in str(module)
    assert "constant b: [4 x i8] b'a" in str(module)


def test_functions_and_their_attributes() -> None:
    module = read_module(
        printed(
            """
            declare void @g(ptr byval({ i32, i8 }) align 4, ...)
            define internal fastcc noundef signext range(i8 0, 5) i8 @f(i1 zeroext %a, ptr noundef nonnull align 8
              dereferenceable(8) captures(none) %0, { i32, i8 } %1) unnamed_addr #0 {
              %x = tail call fastcc noundef signext i8 @f(i1 zeroext false, ptr nonnull align 4 %0, { i32, i8 } %1)
              ret i8 %x
            }
            attributes #0 = { nounwind memory(argmem: read) }
            """
        )
    )
    f, g = module.functions["f"], module.functions["g"]
    assert (f.external, f.result_extension, f.blocks[0].name) == (False, "s", "%2")
    assert [(str(p.type), p.name) for p in f.parameters] == [("i1", "%a"), ("ptr", "%0"), ("{ i32, i8 }", "%1")]
    assert [a.extension for a in f.attributes] == ["z", "", ""]
    assert g.type.variadic and not g.blocks
    assert g.attributes[0].by_value == StructType((I32, I8))
    call = f.blocks[0].instructions[0]
    assert [a.extension for a in call.attributes] == ["z", "", ""]
    assert str(g.type) == "void (ptr, ...)"


def test_debug_information_is_passed_over() -> None:
    text = """
    define i32 @f(i32 %a) !dbg !3 {
        #dbg_value(i32 %a, !5, !DIExpression(), !6)
      %b = add i32 %a, 1, !dbg !6
      ret i32 %b, !dbg !6
    }
    !llvm.dbg.cu = !{!0}
    !llvm.module.flags = !{!7}
    !0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug)
    !1 = !DIFile(filename: "a.c", directory: "/")
    !2 = !DISubroutineType(types: !{})
    !3 = distinct !DISubprogram(name: "f", file: !1, type: !2, unit: !0, spFlags: DISPFlagDefinition)
    !5 = !DILocalVariable(name: "a", arg: 1, scope: !3, file: !1)
    !6 = !DILocation(line: 1, scope: !3)
    !7 = !{i32 2, !"Debug Info Version", i32 3}
    """
    (block,) = read_module(printed(text)).functions["f"].blocks
    assert [instruction.opcode for instruction in block.instructions] == ["add", "ret"]


@pytest.mark.parametrize(
    "text",
    [
        "@a = global strange 5",
        "@a = internal",
        "%a = type { %a }\n@b = global %a zeroinitializer",
        "define strange @f() {\n}",
        "@a = global <vscale x 4 x i32> zeroinitializer",
        'module asm "nop"',
        "define i32 @f() {\n  %a = call\n}",
    ],
)
def test_what_is_not_understood(text: str) -> None:
    with pytest.raises(FormatError, match="LLVM assembly is not understood at"):
        read_module(text)
