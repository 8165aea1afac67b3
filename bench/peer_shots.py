"""Runs in the environment of the other tools: cuts that PySceneDetect finds, as JSON on standard output.

python peer_shots.py VIDEO adaptive|content
"""

import json
import sys

from scenedetect import AdaptiveDetector, ContentDetector, detect

video, kind = sys.argv[1:]
scenes = detect(video, {"adaptive": AdaptiveDetector, "content": ContentDetector}[kind]())
print(json.dumps([start.frame_num for start, _ in scenes[1:]]))
