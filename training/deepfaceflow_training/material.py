"""What the generators draw from: one split (train or test) of the prepared photos, the model, the regressor, the template."""
import os
from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import SIZE
from .morphable import MorphableModel
from .registered_meshes import RegisteredMeshes, registered_meshes
from .regressor import MeshRegressor, MissingMaterial
from .template import load_template
from .textures import read_photo

SPLITS = ('train', 'test')
_BACKGROUND_SIZE = 256
_FACE_COLUMNS = (28.0, 196.0)  # template columns between which a registered head lies
_MIN_STRIP = 24  # photo px


@dataclass
class Material:
    model: MorphableModel
    regressor: MeshRegressor  # registers photos
    registered: RegisteredMeshes  # makes the meshes of registered frames
    template: object
    names: list  # photo names of this split
    textures: np.ndarray  # (n, 256, 256, 3) u8
    fits: np.ndarray
    registrations: np.ndarray  # (n, 2, 3): photo px -> template px
    weights: np.ndarray  # sampling weights that balance skin tones
    backgrounds: list
    folder: str

    def photo(self, index):
        return read_photo(os.path.join(self.folder, 'faces', self.names[index]))


def load_material(folder, prepared, assets, split, only=None):
    """folder: --material; prepared: file written by `prepare`; split: 'train' or 'test'; only: prefix of the photo names (e.g. 'faker/').

    Photos of the test split serve nowhere in training, not even as backgrounds."""
    try:
        data = np.load(prepared)
    except (OSError, ValueError) as error:
        raise MissingMaterial(f'{prepared}: {error}; write it with the `prepare` command') from error
    pick = data['test'] == (split == 'test')
    if only:
        pick &= np.array([name.startswith(only) for name in data['names']])
    names = [str(name) for name in data['names'][pick]]
    weights = data['weights'][pick]
    registrations = data['registrations'][pick]
    backgrounds = [_beside_the_face(read_photo(os.path.join(folder, 'faces', name)), matrix) for name, matrix in zip(names, registrations)]
    return Material(MorphableModel(folder), MeshRegressor(assets), registered_meshes(assets), load_template(), names, data['textures'][pick], data['fits'][pick], registrations,
                    weights / weights.sum(), backgrounds, folder)


def _beside_the_face(photo, registration):
    """The wider of the strips left and right of a face, mirrored to a square: a background with a second face would mislead the mesh network."""
    inverse = np.linalg.inv(registration[:, :2])
    left, right = sorted((inverse @ (np.array([column, SIZE / 2]) - registration[:, 2]))[0] for column in _FACE_COLUMNS)
    height, width = photo.shape[:2]
    strips = photo[:, :max(_MIN_STRIP, int(left))], photo[:, min(width - _MIN_STRIP, int(right)):]
    strip = max(strips, key=lambda s: s.shape[1])
    tiles = [strip, strip[:, ::-1]] * (height // (2 * strip.shape[1]) + 1)
    return cv2.resize(np.hstack(tiles)[:, :height], (_BACKGROUND_SIZE,) * 2, interpolation=cv2.INTER_AREA)
