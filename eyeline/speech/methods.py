"""What is said of the ways of telling who speaks, in `list` and in reports."""

from __future__ import annotations

from eyeline.results import Method

MOUTH_AGREEMENT = Method(
    "speech",
    "mouth_agreement",
    "embedded default: silero voice activity, and the agreement of each visible mouth's motion "
    "with the loudness of speech",
    "on one 16 s clip of four people (reference by SyncNet): the reference speaker was the most "
    "probable face in 98.9 % of speech frames and was named in 78.7 %; constants were chosen "
    "partly on the same clip. On made scenes 88 % of speech was told right",
    "own code, Apache-2.0; silero-vad MIT",
    weights="silero_vad.onnx",
)
LR_ASD = Method(
    "speech",
    "lr_asd",
    "LR-ASD active speaker network (Liao et al. 2025) with the authors' weights, given by the user",
    "by its authors on AVA-ActiveSpeaker and Columbia; not measured by us on a benchmark",
    "weights MIT (Junhua-Liao/LR-ASD); our code Apache-2.0",
    weights="finetuning_TalkSet.model",
)
