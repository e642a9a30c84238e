"""Programs in questions that are gone through step by step: as Python itself would, or not at all."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.strategies.engine.recomputing.questions import recomputed
from orchestration.strategies.engine.recomputing.work import MOST_WORK, WorkLimit

PROGRAMS = (Path(__file__).parent / "programs.txt").read_text(encoding="utf-8").split("\n---\n")
"""Programs that print."""


def run_by_python(source: str) -> str:
    """Return what Python prints for a program of this file."""
    with redirect_stdout(StringIO()) as output:
        exec(compile(source, "program", "exec"), {})
    return output.getvalue()


def asked(source: str, words: str = "What does this code print?") -> str | None:
    found = recomputed(f"{words}\n\n```python\n{source}\n```")
    return None if found is None else found.key


def printed(text: str) -> str | None:
    """Return the key of what a program prints, as that of an answer is."""
    [open_line, end] = ["print(", ")"]
    return asked(f"{open_line}{text!r}{end}")


@pytest.mark.parametrize("source", PROGRAMS)
def test_a_program_prints_what_python_prints(source: str) -> None:
    expected = run_by_python(source).strip("\n")
    assert asked(source) == printed(expected)
    assert asked(source) is not None


_NUMBERS = st.integers(-20, 20).map(str)
_EXPRESSIONS = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(
            inner,
            st.sampled_from(["+", "-", "*", "//", "%", "/", "&", "|", "^", "<", "==", ">=", "and", "or"]),
            inner,
        ).map(lambda parts: f"({' '.join(parts)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"max({', '.join(parts)}, 1)"),
        st.lists(inner, max_size=3).map(lambda parts: f"len(set([{', '.join(parts)}]))"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"sum(sorted([{', '.join(parts)}])[1:])"),
        inner.map(lambda each: f"int(str(abs({each}))[0])"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
    ),
    max_leaves=12,
)


@given(_EXPRESSIONS)
def test_expressions_have_the_values_that_python_gives_them(expression: str) -> None:
    try:
        expected = run_by_python(f"print(({expression}))").strip()
    except (ArithmeticError, TypeError, ValueError):
        expected = ""
    assert asked(f"print(({expression}))") == (expected or None)


HOSTILE = {
    "powers": "print(9 ** 9 ** 9)",
    "powers with a modulus": "for i in range(999): pow(3 ** 1200, 3 ** 1200, 7 ** 700)\nprint(1)",
    "shifts": "print(1 << 10 ** 9)",
    "products": "x = 3 ** 1200\nfor i in range(99): x = x * x\nprint(x)",
    "long texts": "print('a' * 10 ** 9)",
    "longer and longer texts": "s = 'ab'\nwhile True: s += s",
    "lists of lists": "print([[0] * 9999] * 9999)",
    "sums of lists": "print(sum([[0] * 9999] * 9999, []))",
    "replacing": "print(len(('a' * 9999).replace('a', 'b' * 9999)))",
    "joining": "print(len(('a' * 9999).join(['b'] * 9999)))",
    "translating": "print(len(('a' * 9999).translate({97: 'b' * 9999})))",
    "padding": "print('a'.ljust(10 ** 9), '1'.zfill(10 ** 9))",
    "extending": "x = [1]\nwhile True: x.extend(x)",
    "wide formats": "print(f'{1:1000000000}')",
    "wide formats by name": "print('{x:1000000000}'.format(x=1))",
    "wide directives": "print('%1000000000d' % 1)",
    "widths given with the values": "print('%*d' % (10 ** 9, 1))",
    "directives with names": "print('%(a)999999999d' % {'a': 1})",
    "rounding": "print(round(5, -10 ** 9))",
    "numbers in words": "print(int('9' * 9999))",
    "endless loops": "while True: pass",
    "deep recursion": "def f(n):\n    return n and f(n - 1)\nprint(f(60))",
    "endless recursion": "def f(n):\n    return f(n + 1)\nprint(f(0))",
    "recursion that is caught": (
        "def f():\n    try:\n        return f()\n    except RuntimeError:\n        return 1\nprint(f())"
    ),
    "lambdas that call themselves": "f = lambda f: f(f)\nprint(f(f))",
    "lists that grow while they are read": "a = [1]\nfor x in a: a.append(x)\nprint(a)",
    "doubled tuples as keys": "t = (1,)\nfor i in range(60): t = (t, t)\nd = {t: 1}\nprint(len(d))",
    "doubled tuples compared": "t, u = (1,), (1,)\nfor i in range(60): t, u = (t, t), (u, u)\nprint(t == u)",
    "doubled tuples searched": "t, u = 1, 1\nfor i in range(60): t, u = (t, t), (u, u)\nprint(t in [u])",
    "doubled tuples written": "t = (1,)\nfor i in range(60): t = (t, t)\nprint(str(t))",
    "lists in themselves": "a = [1]\na[0] = a\nprint(a)",
    "long ranges": "print(list(range(10 ** 9)))",
    "long ranges unpacked": "a, *b = range(10 ** 9)\nprint(b)",
    "long ranges searched": "print(1.5 in range(10 ** 12))",
    "equal hashes": "s = set()\nfor i in range(10 ** 6): s.add(i * (2 ** 61 - 1))\nprint(len(s))",
    "too much output": "while True: print('a' * 999)",
    "one long line": "print('a' * 9999, 'b')",
    "many parentheses": f"print({'(' * 1500}1{')' * 1500})",
    "many signs": f"print({'-' * 3900}1)",
    "many names": f"print(a{'.b' * 1900})",
    "many sums": f"print({'1+' * 1900}1)",
    "a long program": f"print({'1, ' * 2000}1)",
    "attributes": "print(().__class__.__base__.__subclasses__())",
    "attributes of numbers": "print((1).real)",
    "attributes in formats": "print('{0.__class__}'.format(1))",
    "items in formats": "print('{0[0]}'.format([1]))",
    "conversions in formats": "print('{!r}'.format(1))",
    "imports": "import os\nprint(os.getcwd())",
    "imports by name": "print(__import__('os').getcwd())",
    "code in texts": "print(eval('1'))",
    "files": "print(open('/etc/hostname').read())",
    "names of everything": "print(globals())",
    "new types": "print(type('X', (), {}))",
    "attributes by name": "print(getattr(1, 'real'))",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_what_takes_too_long_or_reaches_too_far_is_not_recomputed(source: str) -> None:
    assert asked(source) is None


UNSURE = {
    "the order of texts in a set": "print({'a', 'b'})",
    "a list of them": "print(list({'a', 'b'}))",
    "one of them": "print({'a', 'b'}.pop())",
    "them as keys": "print(dict.fromkeys({'a', 'b'}))",
    "them joined": "print(''.join({'a', 'b'}))",
    "them by a key": "print(sorted({'a', 'b'}, key=len), max({'a', 'b'}, key=len))",
    "them in a loop": "for x in {'a', 'b'}: print(x)",
    "them added to a list": "x = []\nx.extend({'a', 'b'})\nprint(x)",
    "them added by an operator": "x = []\nx += {'a', 'b'}\nprint(x)",
    "them in a dict": "d = {}\nd.update({('a', 1), ('b', 2)})\nprint(d)",
    "them in a text": "print('%s' % {'a', 'b'})",
    "them in two targets": "a, b = {'x', 'y'}\nprint(a)",
    "the address of a function": "def f(): pass\nprint(f)",
    "that of a built-in one": "print(len)",
    "that of an iterator": "print(map(str, [1]))",
    "views of values": "print({1: 2}.values())",
    "whether numbers are the same object": "print(1000 is 1000)",
    "what a generator is": "print(isinstance(iter([]), list))",
    "what is in an iterator": "x = iter([1, 2])\nprint(1 in x, list(x))",
    "complex numbers": "print((-8) ** 0.5)",
    "bytes": "print(b'a')",
    "half characters": "print('\\ud800')",
    "control characters": "print('\\0')",
    "nothing": "print()",
    "an error": "print([][0])",
    "a claim that does not hold": "assert 1 == 2\nprint(1)",
    "a name that is not bound": "print(x)",
    "a name that is bound later": "x = 1\ndef f():\n    print(x)\n    x = 2\nf()",
    "a name that is changed first": "x = 1\ndef f():\n    x += 1\n    print(x)\nf()",
    "an iterator at its end": "print(next(iter([])))",
    "classes": "class A: pass\nprint(1)",
    "decorators": "@print\ndef f(): pass",
    "global names": "def f():\n    global x\n    x = 1\nf()\nprint(x)",
    "too few arguments": "try:\n    'a'.replace('b')\nexcept ValueError:\n    print('other')",
    "generators": "def f():\n    yield 1\nprint(list(f()))",
    "names of errors": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(error)",
    "errors of its own": "raise SystemExit",
    "errors that are values": "x = 1\ntry:\n    1 / 0\nexcept x:\n    print(1)",
    "matrices": "print([1] @ [2])",
    "matrices in place": "x = [1]\nx @= [2]\nprint(x)",
    "assigned attributes": "x = [1]\nx.y = 2\nprint(x)",
    "changed attributes": "x = [1]\nx.y += 2\nprint(x)",
    "removed attributes": "x = [1]\ndel x.y\nprint(x)",
    "methods of ranges": "print(range(3).index(1))",
    "a program that is cut off": "print((1",
}


@pytest.mark.parametrize("source", UNSURE.values(), ids=UNSURE)
def test_what_is_not_known_or_may_differ_from_run_to_run_is_not_recomputed(source: str) -> None:
    assert asked(source) is None


def test_work_is_counted_by_what_is_read() -> None:
    work = WorkLimit()
    work.read([1, "a" * 640, {"k": (None, 2.5)}], 2**1000)
    assert MOST_WORK - work.left == 1 + 1 + 11 + 1 + 1 + 1 + 1 + 1 + 16


CODE = "```python\nx = [1, 2]\nx.append(3)\nprint(x)\n```"
ASKING = (
    f"What does this code print?\n{CODE}",
    f"what will the following Python program output?\n\n{CODE}\n\nAnswer with the output only.",
    f"What is the output of this snippet? Think step by step.\n{CODE}",
    f"Please tell me what is printed by the script when it is run:\n{CODE}",
    f"{CODE}\nWhat is the output?",
    f"{CODE}\nWhat gets printed?\nOnly give the result.",
    "What does this print?\n\nx = [1, 2]\nx.append(3)\nprint(x)\n\nJust the output, please.",
    "[PYTHON]\ndef f(x):\n    return x + [3]\nassert f([1, 2]) == ??\n[/PYTHON]\nComplete the assertion.",
    "Fill in the blank:\n\ndef f(x):\n    return x + [3]\n\nassert f([1, 2]) == ??",
)
OTHER = (
    f"How many lines does this code print?\n{CODE}",
    f"What does this code print if x starts as [5]?\n{CODE}",
    f"Why does this code print [1, 2]?\n{CODE}",
    f"What does this code print? What would it print with a tuple?\n{CODE}",
    f"What is the second line of the output?\n{CODE}",
    f"What does this code print?\n{CODE}\nand this?\n{CODE}",
    f"Explain what is wrong with the output.\n{CODE}",
    f"Write a function that prints the same as this code.\n{CODE}",
    "What does this code print?",
    "What does this code print?\n```python\n```",
    f"What does this code print?\n{CODE}\n{'long words ' * 1000}",
    "[PYTHON]\nassert f(1) == ??\nassert f(2) == ??\n[/PYTHON]",
    "[PYTHON]\nassert 3 == ??\nprint(2)\n[/PYTHON]",
    "Which is right?\nA) print(1)\nB) print(2)",
    "What does this code print?\n```python\nprint(3, 4)\n```\nGive the last value only.",
)


@pytest.mark.parametrize("question", ASKING)
def test_what_a_program_prints_is_known_where_it_is_asked_for(question: str) -> None:
    found = recomputed(question)
    assert found is not None
    assert found.raw == "[1, 2, 3]"


SUMS = {
    "What is 48372 * 9913?": "479511636",
    "Calculate 1,234 + 1,234,567.": "1235801",
    "What is ((2 + 3) * 4) - 1? Think step by step.": "19",
    "what’s 6 × 7 =": "42",
    "Compute the value of 2^10": "1024",
    "How much is 12 x 13?\nAnswer with a number.": "156",
    "What is 10 ÷ 4?": "2.5",
    "What is 0.1 + 0.2?": None,
    "What is 1 / 3?": None,
    "What is 9/11?": None,
    "What is 2024-12-25?": None,
    "What is 3 + 4 apples?": None,
    "What is 2 + 2 in binary?": None,
    "What is 2 + 2? What is 3 + 3?": None,
    "What is 1,5 + 2?": None,
    "What is 5?": None,
    "What is 5 / 0?": None,
    "What is 9**9**9?": None,
    "What is (3 + 4?": None,
}


@pytest.mark.parametrize(("question", "key"), SUMS.items())
def test_a_sum_is_known_where_it_is_written_out_and_its_value_is_short(
    question: str, key: str | None
) -> None:
    found = recomputed(question)
    assert (found and found.key) == key


@pytest.mark.parametrize("question", OTHER)
def test_where_something_else_is_asked_it_is_not(question: str) -> None:
    assert recomputed(question) is None
