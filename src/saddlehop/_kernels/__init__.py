"""Compiled loops: typed arrays in, arrays out, nothing checked.

Each kernel has a slow, obvious twin in ``saddlehop.reference``. Import these modules inside
the function that calls them: importing numba takes longer than all of saddlehop.
"""
