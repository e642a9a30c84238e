"""Lines out of a file, plain or gzip, without ever holding more than one."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from orchestration.providers.recorded.faults import FaultList

GZIP = b"\x1f\x8b"
FOREIGN = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
MARK = b"\xef\xbb\xbf"
LONGEST_MAGIC = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a recording may weigh unpacked: bytes in all, lines, bytes of one line."""

    bytes: int = 512_000_000
    lines: int = 200_000
    line_bytes: int = 8_000_000


def read_lines(file: BinaryIO, limits: Limits, faults: FaultList) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number; what cannot be read is noted and ends it."""
    magic = file.read(LONGEST_MAGIC)
    file.seek(0)
    foreign = next((words for start, words in FOREIGN.items() if magic.startswith(start)), None)
    if foreign is not None:
        faults.add(0, f"The file is {foreign}. It must be JSON lines in UTF-8, plain or gzip.")
        return
    packed = magic.startswith(GZIP)
    source = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
    number = 0
    try:
        for number, line in _limited(source, limits, faults):
            if line.strip():
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        faults.add(number + 1, f"the gzip data is damaged or cut off here ({error}).")


def _limited(source: BinaryIO, limits: Limits, faults: FaultList) -> Iterator[tuple[int, bytes]]:
    number = total = 0
    while line := source.readline(limits.line_bytes + 1):
        number += 1
        total += len(line)
        if len(line) > limits.line_bytes:
            faults.add(number, f"is longer than {limits.line_bytes:,} bytes, the most a line may have.")
            return
        if number > limits.lines or total > limits.bytes:
            faults.add(
                number,
                f"the file goes on beyond {limits.lines:,} lines or {limits.bytes:,} bytes unpacked."
                " Split it or leave items out.",
            )
            return
        yield number, line.removeprefix(MARK) if number == 1 else line
