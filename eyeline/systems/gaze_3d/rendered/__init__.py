"""Networks trained on rendered heads: how a head is turned, and where its eyes look.

`people.head_crops` cuts heads and eyes for training and for use alike, `model` has the networks
`heads` and `eyes`, `train` trains them on what `eyeline synthesize heads` renders.
"""
