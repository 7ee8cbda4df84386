"""`python -m saddlehop` is the command `saddlehop`."""

from .cli import main

main()
