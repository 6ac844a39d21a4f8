"""Networks trained on rendered heads: how a head is turned, and where its eyes look.

`inputs` cuts heads and eyes for training and for use alike, `model` has the networks `heads` and
`eyes`, `train` trains them on what `eyeline synthesize heads` renders. No builder uses them yet:
no weights reach the figures that a default would need.
"""
