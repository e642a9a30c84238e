"""What a question comes to that asks about a small Python program, or for the value of a sum."""

from __future__ import annotations

import ast

from orchestra_site.web.patterns import DOTALL, IGNORECASE, MULTILINE, Pattern
from orchestration.strategies.engine.consensus.answers import Extracted, read_answer, read_question
from orchestration.strategies.engine.recomputing.evaluating import NameScope
from orchestration.strategies.engine.recomputing.walking import ProgramWalk
from orchestration.strategies.engine.recomputing.work import PROGRAM_ERRORS, NotRecomputedError

LONGEST_PROGRAM = 4_000

_BLOCK = Pattern(r"```(?:python|py)?[0-9.]*[ \t]*\n(.*?)```|\[PYTHON\](.*?)\[/PYTHON\]", DOTALL | IGNORECASE)
_LINES = Pattern(
    r"^(?:def |for |while |if |try:|print\(|assert |return |[A-Za-z_][\w.\[\], ]*(?:[-+*/%]?=|\()|[ \t]+\S)",
    MULTILINE,
)
_WANTED = Pattern(r"(?m)^([ \t]*assert\b.*==[ \t]*)\?\?+[ \t]*$")
_PROGRAM = (
    r"(?:(?:this|the|the following|my|that) )?(?:python3? )?(?:code|program|script|snippet|function|it)"
)
_ASKS = Pattern(
    r"(?:please )?(?:tell me |predict )?"
    r"(?:what (?:does|will|would|do) (?:this|that|" + _PROGRAM + r")"
    r"(?: (?:code|program|script|snippet))? (?:print|output|display)(?: out)?"
    r"|what (?:is|will be|would be)(?: the)?(?: exact)? (?:printed )?(?:output|result)"
    r"(?: of (?:running |executing )?(?:this|" + _PROGRAM + r")(?: (?:code|program|script|snippet))?)?"
    r"|what (?:is|gets|will be) printed(?: by (?:this|" + _PROGRAM + r"))?)"
    r"(?: (?:when|if) (?:it is |you )?(?:run|executed))?(?: in python)?[?:.]*",
    IGNORECASE,
)
_HOW = Pattern(
    r"(?:please )?(?:answer|reply|respond|give|write|state|show|output|print|think|work|reason|explain|only"
    r"|just|no|do not|don[’']t|end|put)\b.*",
    IGNORECASE | DOTALL,
)
_PART = Pattern(
    r"\b(?:first|second|third|last (?:value|number|item|element|word|character|letter)|number of|how many"
    r"|length|count|sum|if|instead|upper ?case|lower ?case|reversed?|sort(?:ed)?|convert(?:ed)?)\b",
    IGNORECASE,
)
"""What asks for something else than what is printed, as it is."""
_FIGURE, _BETWEEN = r"-?[0-9][0-9.,]*", r"(?:\*\*?|[+×÷^]| x | - | / | // | % )"
_SUM = Pattern(
    r"(?:please )?(?:what is|what[’']s|how much is|calculate|compute|evaluate)(?: the (?:value|result) of)?"
    rf" ([-+(]*{_FIGURE}(?:[() ]*{_BETWEEN}[( ]*{_FIGURE})+[) ]*)(?: ?=)?[?. ]*",
    IGNORECASE,
)
_THOUSANDS = Pattern(r"([0-9]),([0-9]{3})\b")
_SIGNS = (("×", "*"), ("÷", "/"), (" x ", " * "), ("^", "**"))
"""How people write operators, and how Python does."""
LONGEST_NUMBER = 16
"""Characters of a number with decimals: of a longer one an answer may give any part."""
_SENTENCES = Pattern(r"(?:[?:.!]+|\n)\s+")


def recomputed(question: str) -> Extracted | None:
    """Return the answer that a question has by computation alone, None where that is not known.

    It is what a program in it prints, where the words beside it ask for this and for nothing else; or the
    value in an assertion that is left open (`assert f(2) == ??`); or that of a sum (`What is 12 * 34?`).
    None, too, where a statement is not known here, the program fails, or its result may differ from run to
    run; see `work` for the limits.
    """
    asked = read_question(question)
    if not (asked.code or asked.number) or len(question) > 2 * LONGEST_PROGRAM:
        return None
    try:
        said = _code_result(question) if asked.code else _sum(question)
    except (NotRecomputedError, *PROGRAM_ERRORS, SyntaxError, MemoryError):
        return None
    is_plain = all(each.isprintable() or each in "\n\t" for each in said)
    return read_answer(said, asked) if is_plain and said.strip() else None


def _code_result(question: str) -> str:
    """Return what the program in a question prints, or the value of its open assertion."""
    blocks = list(_BLOCK.finditer(question))
    if blocks:
        source = next(filter(None, blocks[-1].groups()), "")
        places = [0, *(place for found in blocks for place in found.span()), len(question)]
        words = " ".join(question[at:to] for at, to in zip(places[::2], places[1::2], strict=True))
    else:
        lines = question.splitlines(keepends=True)
        first = next((place for place, line in enumerate(lines) if _LINES.match(line)), len(lines))
        last = max((place for place, line in enumerate(lines) if _LINES.match(line)), default=-1)
        source = "".join(lines[first : last + 1])
        words = "".join([*lines[:first], *lines[last + 1 :]])
    if not source or len(source) > LONGEST_PROGRAM:
        raise NotRecomputedError
    if len(_WANTED.findall(source)) == 1:
        return _asserted(ast.parse(_WANTED.sub(r"\1...", source)))
    if len(blocks) > 1 or not _ASKS.fullmatch(_asked(words)):
        raise NotRecomputedError
    return _printed(ast.parse(source))


def _asked(words: str) -> str:
    """Return the only sentence that asks for something, others may say how to answer; empty if none does."""
    said = [" ".join(each.split()) for each in _SENTENCES.split(f"{words}\n ")]
    asking = [each for each in said if each and (_PART.search(each) or not _HOW.fullmatch(each))]
    return asking[0] if len(asking) == 1 else ""


def _sum(question: str) -> str:
    """Return the value of a sum: a whole number, or one with few decimals."""
    found = _SUM.fullmatch(_asked(question))
    if found is None:
        raise NotRecomputedError
    written = _THOUSANDS.sub(r"\1\2", _THOUSANDS.sub(r"\1\2", found.group(1)))
    for sign, operator in _SIGNS:
        written = written.replace(sign, operator)
    value = ProgramWalk().value(ast.parse(written.strip(), mode="eval").body, NameScope())
    is_number = isinstance(value, int | float)  # with a decimal comma it would be two
    if not is_number or (isinstance(value, float) and len(repr(value)) > LONGEST_NUMBER):
        raise NotRecomputedError
    return repr(value)


def _asserted(program: ast.Module) -> str:
    """Return the value that the last statement, an assertion, leaves open."""
    match program.body:
        case [*before, ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant()]))]:
            walk, scope = ProgramWalk(), NameScope()
            walk.block(before, scope)
            return repr(walk.work.shown(walk.value(left, scope)))
        case _:
            raise NotRecomputedError


def _printed(program: ast.Module) -> str:
    walk, scope = ProgramWalk(), NameScope()
    walk.block(program.body, scope)
    return "".join(walk.work.output).strip("\n")
