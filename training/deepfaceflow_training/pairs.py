"""What both generators share: a pair, the product's registration of rendered frames, ground truth."""
from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import SIZE, apply_similarity
from .rasteriser import Raster, trace_flow
from .regressor import LANDMARKS68, register
from .template import DRAFT_ROI

NONE, VISIBLE, HIDDEN, COVERED = range(4)  # state: no face; seen in B; not seen in B; behind an occluder in A
_MAX_SHIFT, _SCALES = 45.0, (0.7, 1.4)  # a registration beyond this is a failure that the product would report


class RegistrationFailed(ValueError):
    """The mesh network did not find the rendered face; the pair is drawn again."""


@dataclass
class Pair:
    i1: np.ndarray  # (224, 224, 3) u8, registered
    i2: np.ndarray
    flow: np.ndarray  # (224, 224, 3) float32 px
    state: np.ndarray  # (224, 224) u8
    mesh_a: np.ndarray  # (468, 3) float32 px, the regressor's
    mesh_b: np.ndarray
    pose: np.ndarray  # yaw, pitch, roll of A and of B, degrees
    points_a: np.ndarray  # (68, 3) float32 px: the head's true landmarks; nan where nothing better is known than what a mesh network draws
    points_b: np.ndarray
    head_a: np.ndarray = None  # (n, 3) px: all vertices of the head, of rendered pairs; not kept in shards
    head_b: np.ndarray = None


def register_as_product(draft_images, vertices, material, landmarks=None, limit=None):
    """Similarity that registers each draft frame by the mesh network's 68 landmarks, applied to its vertices.

    draft_images: list of (224, 224, 3) u8; vertices: list of (n, 3) px; landmarks, limit: see check_meshes. Returns
    (matrices, moved vertices)."""
    meshes = material.regressor(draft_images, [DRAFT_ROI] * len(draft_images))
    if limit is not None:
        check_meshes(meshes, vertices, landmarks, limit)
    matrices, moved = [], []
    for mesh, v in zip(meshes, vertices):
        matrix, scale = register(mesh, material.template.landmarks)
        shift = np.abs(matrix[:, :2] @ [SIZE / 2, SIZE / 2] + matrix[:, 2] - SIZE / 2).max()
        if not _SCALES[0] < scale < _SCALES[1] or shift > _MAX_SHIFT:
            raise RegistrationFailed(f'scale {scale:.2f}, shift {shift:.0f} px')
        matrices.append(matrix)
        moved.append(apply_similarity(matrix, scale, v))
    return matrices, moved


def check_meshes(meshes, vertices, landmarks, limit):
    """Raise RegistrationFailed when a mesh lies off its face: mean distance of the 51 inner landmarks from those of the head (68 vertex indices), px."""
    for mesh, v in zip(meshes, vertices):
        distance = np.linalg.norm(mesh[LANDMARKS68[17:], :2] - v[landmarks[17:], :2], axis=1).mean()
        if distance > limit:
            raise RegistrationFailed(f'the mesh lies {distance:.0f} px off the face')


def ground_truth(model, va, vb, traced, layers):
    """Exact flow and state of frame A for registered vertices (template px); layers hide the face in A or in B."""
    flow, state = trace_flow(Raster(va, model.triangles, SIZE), Raster(vb, model.triangles, SIZE), va, vb, traced)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    for layer in layers:
        alpha_a, alpha_b = [cv2.resize(alpha, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for alpha in layer.alpha]
        there = cv2.remap(alpha_b, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        state[(state == VISIBLE) & (there > 0.3)] = HIDDEN
        state[(state > NONE) & (alpha_a > 0.3)] = COVERED
    return flow, state


def meshes_of(images, material):
    """The regressor's meshes of registered frames, as the product computes them."""
    return material.registered.of_images(images)
