"""Where the iris is in a small image of an eye: a network that learned from eyes drawn by us.

`anatomy`, `render` and `capture` draw eyes and film them badly; `model` and `train` learn from
them; `crops`, `forward` and `locate` answer for a face, without torch.
"""
