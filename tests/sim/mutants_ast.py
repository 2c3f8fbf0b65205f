# SPDX-License-Identifier: BSD-2-Clause
"""
Faults by chance for tests/sim/mutants, found in the syntax tree that libclang makes of a source.

What is changed: a condition is inverted, an operator replaced by its neighbour (< by <=, == by !=, && by ||, + by -), a
statement left out, a number made larger by one, true exchanged for false, MIN for MAX. Nothing inside a macro's expansion is
changed, so assertions stay as they are. Each fault is as likely as any other.
"""
import os
import random
import re
import subprocess
import sys

try:
    from clang.cindex import CursorKind, Index, TokenKind, TranslationUnit
except ImportError:
    sys.exit("mutants: --random needs libclang for Python: apt-get install python3-clang")

SOURCES = [f"vm/{name}.c" for name in (
    "vm_pageout", "vm_gather", "vm_run", "vm_account", "vm_policy", "vm_frame", "memory_object", "memory_object_call",
    "memory_object_lock", "memory_object_message")]
# The debug build's own checks: to break one breaks no kernel.
CHECKS = ("vm_frame_check", "vm_frame_check_block", "vm_frame_check_zone")

OPERATORS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "+": "-", "-": "+",
             "|": "&", "&": "|", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}
WORDS = {"true": "false", "false": "true", "MIN": "MAX", "MAX": "MIN"}
CONDITIONS = (CursorKind.IF_STMT, CursorKind.WHILE_STMT)
BODIES = (CursorKind.COMPOUND_STMT, CursorKind.IF_STMT, CursorKind.WHILE_STMT, CursorKind.FOR_STMT)
STATEMENTS = (CursorKind.CALL_EXPR, CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR,
              CursorKind.UNARY_OPERATOR, CursorKind.CSTYLE_CAST_EXPR, CursorKind.CONTINUE_STMT, CursorKind.BREAK_STMT)


class RandomFault:
    """As mutants.Fault, by place instead of by text."""
    law = 0

    def __init__(self, path, text, start, end, new, what):
        self.path, self.start, self.end, self.new = path, start, end, new
        self.line = text.count("\n", 0, start) + 1
        old = " ".join(text[start:end].split())
        self.what = f"{what}: {old[:90]}" + (f" -> {new[:40]}" if what != "left out" else "")
        self.name = f"{os.path.basename(path)[:-2]}-{self.line}-{start}"

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]


def parse(top, build, path):
    include = subprocess.run(["clang", "-print-file-name=include"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    arguments = ["-m32", "-std=gnu11", "-ffreestanding", "-nostdinc", "-isystem", include, "-I", f"{top}/tests/sim",
                 "-I", f"{build}/tests/sim", "-I", build, "-I", top, "-isystem", f"{top}/include", "-DMACHAIR_DEBUG=1",
                 "-DMACH_KERNEL=1", '-DMACHAIR_VERSION="0"']
    unit = Index.create().parse(os.path.join(top, path), arguments,
                                options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
    errors = [str(one) for one in unit.diagnostics if one.severity >= 3]
    if errors:
        sys.exit(f"mutants: {errors[0]}")
    return unit


class Finder:
    """All faults of one source."""

    def __init__(self, top, build, path):
        self.path = path
        self.file = os.path.join(top, path)
        with open(self.file, encoding="ascii") as file: # offsets are bytes'
            self.text = file.read()
        self.unit = parse(top, build, path)
        self.macros = [self.span(cursor) for cursor in self.unit.cursor.get_children()
                       if cursor.kind == CursorKind.MACRO_INSTANTIATION and self.here(cursor) and "(" in self.of(cursor)]
        self.faults = {}

    def here(self, cursor):
        return cursor.location.file is not None and cursor.location.file.name == self.file

    @staticmethod
    def span(cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def of(self, cursor):
        return self.text[slice(*self.span(cursor))]

    def in_macro(self, start, end):
        return any(first < end and start < last and not (start < first and last < end) for first, last in self.macros)

    def add(self, start, end, new, what):
        self.faults.setdefault((start, end, new), RandomFault(self.path, self.text, start, end, new, what))

    def condition(self, cursor):
        """What is between the parentheses of an if or a while; macros may be inside."""
        start = self.text.index("(", cursor.extent.start.offset) + 1
        end, depth = start, 1
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            end += 1
        if not re.fullmatch(r"[^=!<>&|]+[=!]=[^=!<>&|]+", self.text[start:end - 1]): # its operator is exchanged
            self.add(start, end - 1, f"!({self.text[start:end - 1]})", "inverted")

    def operator(self, cursor):
        children = list(cursor.get_children())
        if len(children) != 2:
            return
        start, end = children[0].extent.end.offset, children[1].extent.start.offset
        word = self.text[start:end].strip()
        if start < end and word in OPERATORS and not self.in_macro(start, end):
            at = start + self.text[start:end].index(word)
            self.faults.setdefault((at, at, word), RandomFault(self.path, self.text, at, at + len(word), OPERATORS[word],
                                                               f"in {self.line_of(at)}"))

    def line_of(self, at):
        return " ".join(self.text[self.text.rfind("\n", 0, at) + 1:self.text.find("\n", at)].split())[:90]

    def number(self, cursor):
        start, end = self.span(cursor)
        found = re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)([uUlL]*)", self.text[start:end])
        if found and not self.in_macro(start, end):
            self.add(start, end, f"{int(found[1], 0) + 1}{found[2]}", f"in {self.line_of(start)}")

    def visit(self, cursor):
        if cursor.kind in CONDITIONS and not self.in_macro(*self.span(cursor)):
            self.condition(cursor)
        elif cursor.kind in (CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR):
            self.operator(cursor)
        elif cursor.kind == CursorKind.INTEGER_LITERAL:
            self.number(cursor)
        for place, child in enumerate(cursor.get_children()):
            # The first of an if or a while is its condition, the first three of a for are what is between parentheses.
            statement = cursor.kind in BODIES and self.text[child.extent.end.offset:].lstrip()[:1] == ";" and \
                (cursor.kind == CursorKind.COMPOUND_STMT or place > 0) and \
                (cursor.kind != CursorKind.FOR_STMT or child.extent.end.offset == cursor.extent.end.offset)
            if statement and child.kind in STATEMENTS and not self.in_macro(*self.span(child)):
                self.add(*self.span(child), "(void)0", "left out")
            self.visit(child)

    def words(self, function):
        for token in function.get_tokens():
            if token.kind != TokenKind.COMMENT and token.spelling in WORDS:
                start, end = token.extent.start.offset, token.extent.end.offset
                self.add(start, end, WORDS[token.spelling], f"in {self.line_of(start)}")

    def find(self):
        for function in self.unit.cursor.get_children():
            if function.kind == CursorKind.FUNCTION_DECL and function.is_definition() and self.here(function) and \
                    function.spelling not in CHECKS:
                self.visit(function)
                self.words(function)
        return [self.faults[key] for key in sorted(self.faults)]


def choose(top, build, count, seed):
    """count of all faults there are, by seed, in the order in which they were drawn."""
    faults = [fault for path in SOURCES for fault in Finder(top, build, path).find()]
    print(f"# {len(faults)} faults are possible")
    return random.Random(seed).sample(faults, min(count, len(faults)))
