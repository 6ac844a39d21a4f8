"""The command line as a module: `python -m eyeline`."""

from eyeline.cli import main

if __name__ == "__main__":
    main()
