"""What a question about a Python program comes to, where the program can be recomputed."""

from __future__ import annotations

import ast
from functools import lru_cache

from orchestra_site.web.patterns import DOTALL, IGNORECASE, MULTILINE, Pattern
from orchestration.strategies.engine.consensus.answers import Extracted, read_answer, read_question
from orchestration.strategies.engine.recomputing.evaluating import Scope
from orchestration.strategies.engine.recomputing.walking import Walk
from orchestration.strategies.engine.recomputing.work import PROGRAM_ERRORS, NotRecomputedError

LONGEST_PROGRAM = 4_000
REMEMBERED = 64

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
_SENTENCES = Pattern(r"(?:[?:.!]+|\n)\s+")


@lru_cache(maxsize=REMEMBERED)
def recomputed(question: str) -> Extracted | None:
    """Return the answer that a question has because of the program in it, None where that is not known.

    It is what the program prints, where the words beside it ask for this and for nothing else; or the value
    in an assertion that is left open (`assert f(2) == ??`). None, too, where a statement is not known here,
    the program fails, or its result may differ from run to run; see `work` for the limits.
    """
    if not (asked := read_question(question)).code:
        return None
    found = _program(question)
    if found is None:
        return None
    source, is_open = found
    try:
        said = _asserted(ast.parse(source)) if is_open else _printed(ast.parse(source))
    except (NotRecomputedError, *PROGRAM_ERRORS, SyntaxError, MemoryError):
        return None
    is_plain = all(each.isprintable() or each in "\n\t" for each in said)
    return read_answer(said, asked) if is_plain and said.strip() else None


def _program(question: str) -> tuple[str, bool] | None:
    """Return the program that a question asks about, and whether it is for the value in an open assertion."""
    if len(question) > 2 * LONGEST_PROGRAM:
        return None
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
        return None
    if len(_WANTED.findall(source)) == 1:
        return _WANTED.sub(r"\1...", source), True
    if len(blocks) > 1 or not _asks_what_is_printed(words):
        return None
    return source, False


def _asks_what_is_printed(words: str) -> bool:
    """Return whether words ask what a program prints; others may only say how to answer."""
    said = [" ".join(each.split()) for each in _SENTENCES.split(f"{words}\n ")]
    asking = [each for each in said if each and not _HOW.fullmatch(each)]
    return len(asking) == 1 and _ASKS.fullmatch(asking[0]) is not None


def _asserted(program: ast.Module) -> str:
    """Return the value that the last statement, an assertion, leaves open."""
    match program.body:
        case [*before, ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant()]))]:
            walk, scope = Walk(), Scope()
            walk.block(before, scope)
            return repr(walk.work.shown(walk.value(left, scope)))
        case _:
            raise NotRecomputedError


def _printed(program: ast.Module) -> str:
    walk, scope = Walk(), Scope()
    walk.block(program.body, scope)
    return "".join(walk.work.output).strip("\n")
