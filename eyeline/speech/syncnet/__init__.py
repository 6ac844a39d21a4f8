"""Who speaks, by a network that holds a face's lips against the audio: SyncNet.

Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV 2016 workshops, in the form
in which Hou et al. (VGS, WACV 2024) use it. Lips and audio each become a point in one space, 25
times a second; where the lips make the audio the points lie close.

`who_speaks.LipSync` is the detector, behind the same call as `speech.lr_asd.LrAsd`. The network is
in `model`, the authors' file is placed by `weights`, crops and times are those of `crops`.
`published` is the way in which VGS names the speaker.
"""
