"""Where the functions of a file begin and end, found by brackets alone.

Used by lint.py for the length of functions. It does not parse C++: it knows comments,
literals and brackets, and takes for a function each block that stands in a namespace, a
class or the file itself and whose head has a parameter list. Lambdas count with the
function that they are in.
"""

import ast
import re

# Comments and literals; raw strings first, since they may hold anything.
HIDDEN = re.compile(
    r'R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)"|//[^\n]*|/\*.*?\*/'
    r'|"(?:[^"\\\n]|\\.)*"|(?<![0-9a-fA-F])\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
ACCESS = re.compile(r"^\s*(public|private|protected)\s*:")
SCOPE = re.compile(r"\s*(template\s*<.*>\s*)?(inline\s+)?(namespace|class|struct|union|enum)\b",
                   re.DOTALL)
NAME = re.compile(r"([\w:~]+(?:\s*operator\s*\S+)?)\s*\(")


def blank(text):
    """The text with what brackets must not be looked for in made blank, lines kept."""
    def keep_lines(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return PREPROCESSOR.sub(keep_lines, HIDDEN.sub(keep_lines, text))


def is_function(head):
    """Whether a block with this head, the text before its bracket, is a function's body."""
    return "(" in head and not SCOPE.match(head) and not re.search(r"=\s*$", head)


def is_value(head):
    """Whether a block with this head is no body at all: `x{1}` behind a constructor's colon,
    or an argument of a call."""
    initializer = re.search(r"\)\s*(noexcept\s*)?:[^:].*\w$", head, re.DOTALL)
    return initializer is not None or head.count("(") != head.count(")")


def of_cpp(text):
    """[(name, first line, last line)] of the functions of a C++ file."""
    found = []
    code = blank(text)
    open_blocks = []  # (is a function's body, name, first line, where its head began)
    head_start = 0
    for position, sign in enumerate(code):
        if sign == "{":
            head = code[head_start:position]
            access = ACCESS.match(head)
            if access:
                head_start += access.end()
                head = code[head_start:position]
            inside = any(block[0] for block in open_blocks)
            value = is_value(head)
            body = not inside and not value and is_function(head)
            leading = len(head) - len(head.lstrip())
            first = code.count("\n", 0, head_start + leading) + 1
            name = NAME.search(head)
            open_blocks.append((body, name.group(1) if name else "function", first,
                                head_start if value else None))
            head_start = position + 1
        elif sign == "}":
            head_start_before = None
            if open_blocks:
                body, name, first, head_start_before = open_blocks.pop()
                if body:
                    found.append((name, first, code.count("\n", 0, position) + 1))
            # After a value the head goes on where it was.
            head_start = position + 1 if head_start_before is None else head_start_before
        elif sign == ";":
            head_start = position + 1
    return found


def of_python(text):
    """[(name, first line, last line)] of the functions of a Python file."""
    return [(node.name, node.lineno, node.end_lineno) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
