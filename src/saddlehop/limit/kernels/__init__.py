"""Compiled loops of the limit: typed arrays in, arrays out, nothing checked.

Each has a slow, obvious twin in `limit/twins.py`. Import these modules inside the function that calls
them: importing numba takes longer than all of saddlehop.
"""
