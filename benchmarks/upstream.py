"""`python -m benchmarks.upstream DELAY_MS`: an OpenAI-compatible server that is far faster than what asks it.

Every chat is answered after the delay, streamed in one piece. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys

CHUNK = {"choices": [{"index": 0, "delta": {"content": "Answer: 391"}, "finish_reason": None}]}
LAST = {
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24},
}
EVENTS = b"".join(f"data: {json.dumps(each)}\n\n".encode() for each in (CHUNK, LAST)) + b"data: [DONE]\n\n"
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(EVENTS) + EVENTS
)


async def serve(delay_s: float) -> None:
    """Answer until the process ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                await reader.readexactly(length)
                await asyncio.sleep(delay_s)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000))
