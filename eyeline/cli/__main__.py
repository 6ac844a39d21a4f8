"""The command line as a module: `python -m eyeline.cli`."""

from eyeline.cli import main

main()
