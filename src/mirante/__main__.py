"""`python -m mirante`, for `torchrun -m mirante train CONFIG`."""

from mirante.cli import main

main()
