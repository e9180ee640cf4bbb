"""Photos of heads with known coefficients, gaze and pose, not registered: what the product is measured on from the photo on (`npm run eval -- coefficients`)."""
import json
import os

import cv2
import numpy as np

from .camera import develop_clean
from .coefficient_heads import CoefficientHeads
from .coefficients import NAMES
from .geometry import SIZE, product_angles, rotation
from .light import random_light
from .pairs import RegistrationFailed
from .rendered import IDENTITY_SPREAD, SUPERSAMPLING
from .scene import background_pair

PICTURES = 7  # of a person, the first one at rest
_SCALE = (7.4, 8.6)  # px of the frame to a model unit: faces of about 120 to 140 px in 224
_SHIFT = 8.0  # px
_ATTEMPTS = 6
_QUALITY = 84


def _photo(maker, g, identity, look, resting):
    """-> (224, 224, 3) u8, coefficients, gaze and pose. The mesh network must find the head; else it is drawn again."""
    model, big = maker.model, SIZE * SUPERSAMPLING
    for _ in range(_ATTEMPTS):
        vertices, coefficients, gaze = maker._face(g, identity, lambda v: v, resting)
        pose = maker._pose(g, resting)
        turn = rotation(*pose)
        seen = vertices @ turn.T
        middle = seen[model.landmarks].mean(0)
        scale, shift = g.uniform(*_SCALE), g.uniform(-_SHIFT, _SHIFT, 2)
        placed = ((seen - middle) * scale + [SIZE / 2 + shift[0], SIZE / 2 + shift[1], 0]).astype(np.float32)
        light, background = random_light(g, big), background_pair(g, big, maker.material.backgrounds)[0]
        picture = develop_clean([maker._render(placed, big, look, light.lamps[0], light.gloss, background)])[0]
        points = placed[model.landmarks, :2]
        mesh = maker.material.regressor.track(picture, points)[0]
        if np.linalg.norm(mesh[[33, 263, 61, 291, 4], :2] - points[[36, 45, 48, 54, 30]], axis=1).mean() < 6:
            return picture, coefficients, gaze, product_angles(turn)
    raise RegistrationFailed('no head that the mesh network finds')


def write_coefficient_photos(args, material, log=print):
    maker = CoefficientHeads(material, 'test', plain=True)
    os.makedirs(args.out, exist_ok=True)
    rows = []
    for person in range(args.count):
        g = np.random.default_rng([args.seed, person])
        identity, look = g.normal(0, IDENTITY_SPREAD, len(maker.model.identity)), maker._appearance(g)
        for i in range(PICTURES):
            picture, coefficients, gaze, pose = _photo(maker, g, identity, look, i == 0)
            name = f'{person:02d}-{i}.jpg'
            cv2.imwrite(os.path.join(args.out, name), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            rows.append(dict(photo=name, person=person, rest=i == 0, pose=np.round(pose, 2).tolist(), gaze=np.round(gaze, 2).tolist(), coefficients=np.round(coefficients.astype(float), 3).tolist()))
    with open(os.path.join(args.out, 'truth.json'), 'w') as handle:
        json.dump(dict(names=NAMES, photos=rows), handle, separators=(',', ':'))
        handle.write('\n')
    log(f'{args.out}: {len(rows)} photos')
