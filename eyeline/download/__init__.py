"""Files of the authors by name: a table of them, the download itself, and where they go.

`table` knows names, addresses, hashes and licences, `transfer` brings one file over HTTP, `weights`
imports and places it in the folder of weights, `datasets` joins the parts of a data set's archive.
"""
