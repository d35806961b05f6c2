"""Profiling: the cost of a network in parameters, multiply-adds, seconds and memory.

Nothing is imported here: a network is measured in a process that has loaded only its own runtime.
"""
