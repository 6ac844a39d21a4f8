"""The detector of gaze targets: Mask R-CNN with a ResNeXt-101 32x4d and a feature pyramid.

One class, `target`: whatever a person in the image may be looking at. The image may carry who
speaks, as brightened heads; see `fusion.FUSIONS`. Only boxes are needed downstream, so masks are
computed where they are asked for. Networks and operators come from torchvision where the published
numbers can be met with them.
"""
