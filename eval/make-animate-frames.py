"""Writes test/fixtures/eval/animate from clips of people talking: one frame a person to start from, four further ones to draw from,
later ones, and what DIS makes of the first by its flow from each later one (which thus sees it).

    python3 eval/make-animate-frames.py CLIPS OUT    (NumPy, OpenCV >= 4.5; CLIPS/<clip>/f001.jpg, ...)
"""
import json
import os
import shutil
import sys

import cv2
import numpy as np

# One clip a person, of those that the clips show.
CLIPS = ("lbbc2a", "lwbsza", "pwij3p", "sbia1a", "sbwe5n")
LATER = (20, 38, 56)
# Further photos of the person.
SOURCES = (11, 29, 47, 65)

clips, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
search.setFinestScale(0)
index = []
for clip in CLIPS:
    def path(frame):
        return os.path.join(clips, clip, f"f{frame:03d}.jpg")

    first = cv2.imread(path(1))
    height, width = first.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    shutil.copy(path(1), os.path.join(out, f"{clip}-001.jpg"))
    for frame in SOURCES:
        shutil.copy(path(frame), os.path.join(out, f"{clip}-{frame:03d}.jpg"))
    later = []
    for frame in LATER:
        target = cv2.imread(path(frame))
        grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (target, first)]
        places = grid + search.calc(*grey, None)
        warped = cv2.remap(first, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        name = f"{clip}-{frame:03d}"
        shutil.copy(path(frame), os.path.join(out, f"{name}.jpg"))
        # All of the head in these clips lies within.
        left, top = 75, 50
        cv2.imwrite(os.path.join(out, f"{name}-dis.png"), warped[top:, left : left + 215], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        later.append({"name": name, "dis": {"x": left, "y": top}})
    index.append({"first": f"{clip}-001", "sources": [f"{clip}-{frame:03d}" for frame in SOURCES], "later": later})
with open(os.path.join(out, "frames.json"), "w") as file:
    json.dump(index, file)
    file.write("\n")
