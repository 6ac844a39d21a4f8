"""Who is in the video: the front end that systems share.

Faces are found, tracked, told apart and measured.
"""
