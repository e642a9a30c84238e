"""What pages show and what their forms hold."""

from __future__ import annotations

import re
from html import unescape

CHECK = re.compile(r'<li class="is-(good|bad)">.*?<span>(.*?)</span></li>', re.DOTALL)
FIELD_ERROR = re.compile(r'id="id_(\w+)_error">.*?<span>(.*?)</span>', re.DOTALL)
CHOICE = re.compile(r'class="choice-name">([^<]+)<')
SAID = re.compile(r'<div class="prose said"[^>]*>(.*?)</div>', re.DOTALL)
INPUT = re.compile(r'<input[^>]* name="(form-[^"]+)"(?: value="([^"]*)")?')
SELECT = re.compile(r'<select name="(form-[^"]+)".*?<option value="([^"]*)" selected', re.DOTALL)
TAG = re.compile(r"<[^>]*>")


def plain(html: str) -> str:
    """Return the text of a piece of HTML on one line."""
    return " ".join(unescape(TAG.sub(" ", html)).split())


def checks(page: str) -> list[tuple[bool, str]]:
    """Return what the test of a connection shows: whether it worked, and its sentence."""
    return [(mark == "good", plain(sentence)) for mark, sentence in CHECK.findall(page)]


def field_errors(page: str) -> dict[str, str]:
    """Return what a form says at its fields, by their names."""
    return {name: plain(sentence) for name, sentence in FIELD_ERROR.findall(page)}


def choices(page: str) -> list[str]:
    """Return the models that a provider's page offers."""
    return [unescape(name) for name in CHOICE.findall(page)]


def said(page: str) -> str:
    """Return what a model answered on its own page, empty when it did not."""
    found = SAID.search(page)
    return plain(found[1]) if found else ""


def formset(page: str) -> dict[str, str]:
    """Return the fields of the page's form set as they are filled in."""
    return {name: unescape(value) for name, value in (*INPUT.findall(page), *SELECT.findall(page))}
