"""Kernels of the limit, in C: arrays in, arrays out.

Each C file has a door of the same name, which looks at the types and shapes of what it is given, once,
and calls the functions of that file; structures here mirror those there. The slow twins are in
``saddlehop.limit.twins``.
"""
