"""Scoring methods under the protocols of ``snadnet.data.protocols``, always beside the blurred input."""
