"""What is said of the ways of telling who speaks, in `list` and in reports."""

from __future__ import annotations

from collections.abc import Mapping

from eyeline.results import Method

MOUTH_AGREEMENT = Method(
    "speech",
    "mouth_agreement",
    "embedded default: silero voice activity, and the agreement of each visible mouth's opening, "
    "darkness and motion with the loudness and onsets of speech at several lags; a covered mouth "
    "says nothing",
    "on 36 s of labelled speech in four real clips, each with weights fitted without it: 66 % "
    "attributed to the right person, 16 % to a wrong one; on 38 s of eight further clips 90 % to "
    "the right one and none to a wrong one; see docs/accuracy.md",
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
SYNCNET = Method(
    "speech",
    "syncnet",
    "SyncNet (Chung and Zisserman 2016), as VGS uses it, with weights given by the user: how near "
    "each face's lips lie to the sound at the one shift that suits the video; nobody visible may "
    "speak",
    "never run by us with the authors' weights, which were not at hand. On the distances that they "
    "left for one real clip of 16 s silent faces agree by 0.13 at most, speaking ones by 0.30 at "
    "least; the threshold was set between them. On drawn talkers, with a made network, speech is "
    "told right",
    "its authors offer the weights beside code under the MIT licence and state none for them; our "
    "code Apache-2.0",
    weights="syncnet_v2.model",
)
METHODS: Mapping[str, Method] = {m.builder: m for m in (MOUTH_AGREEMENT, LR_ASD, SYNCNET)}
"""By the name under which `analyze` takes them; the first is the embedded default."""
NETWORKS: Mapping[str, str] = {
    "lr_asd": "the authors' finetuning_TalkSet.model",
    "syncnet": "the authors' syncnet_v2.model, which they offer beside the code of SyncNet, or "
    "what `eyeline import gaze_following syncnet_v2.model -o syncnet.safetensors` makes of it",
}
"""The file that those with a network need, in words."""
