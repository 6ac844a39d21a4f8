"""Trials of reliability: what is run, under what circumstances, and what came of it, as a table.

`python -m torture` runs all trials, `python -m torture NAME...` some. A trial is a module of this
folder with a function `trial(work)` that yields a `Figure` for each thing it tried.
"""
