"""`python serve.py MODEL_FILE NAME PORT KEY`: llama.cpp's HTTP server; prints its address.

Runs in the server's environment, which holds nothing of Orchestra's: it imports nothing from here.
"""

import signal
import sys

import xllamacpp  # type: ignore[import-not-found]  # it is installed in the server's environment only

AT_ONCE = 4
WINDOW = 4096


def parameters(file: str, name: str, port: str, key: str) -> "xllamacpp.CommonParams":
    """Return what llama-server's own command line would be given."""
    given = xllamacpp.CommonParams()
    given.model.path = file
    given.model_alias = {name}
    given.port = int(port)
    given.api_keys = [key]
    given.n_parallel = AT_ONCE
    given.n_ctx = AT_ONCE * WINDOW
    given.cpuparams.n_threads = 1
    given.use_jinja = True
    given.ui = False
    return given


if __name__ == "__main__":
    server = xllamacpp.Server(parameters(*sys.argv[1:]))
    print("listening at", server.listening_address, flush=True)
    signal.pause()
