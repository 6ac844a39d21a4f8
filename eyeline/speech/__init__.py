"""When there is speech, and which visible face speaks.

`voice.listen` hears: voice activity (silero) and the loudness of the speech band.
`speakers.who_speaks` compares the loudness with the motion of every visible mouth; it is geometry
and statistics, no trained network. `lr_asd.LrAsd` is the named alternative, a trained network that
needs its weights file.

Voice activity: silero-vad (MIT), the network that the package carries. LR-ASD: Liao et al.,
"LR-ASD: Lightweight and Robust Network for Active Speaker Detection", IJCV 2025; weights MIT. The
rest is our own.
"""

from __future__ import annotations

from eyeline.speech.speakers import who_speaks
from eyeline.speech.voice import Speech, listen

__all__ = ["Speech", "listen", "who_speaks"]
