"""Many photos: which ones a folder stands for, where each result goes, how one is done, and what is recorded of it.

The rules that ``snadnet deblur`` and `snadnet.cluster` share.
"""
