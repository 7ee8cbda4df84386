"""Compiled steps of the flow: typed arrays in, arrays out, nothing checked.

`steps.py` chooses between the others: closed-form plateaus (`pull.py`), Magnus, Taylor and implicit
steps. Import these modules inside the function that calls them.
"""
