"""Orchestra against an OpenAI-compatible server that is not ours: llama.cpp's, installed apart."""
