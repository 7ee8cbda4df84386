"""What every room uses and knows nothing of networks: checks of input, arrays, files, memory.

In: what a user gave. Out: typed arrays, or one sentence that says how to mend it. Read first:
`validate.py`, the only place where input is checked.
"""
