"""Rotations, similarities and image warps in the template frame: x right, y down, z away from the camera, pixel centres at integer + 0.5."""
import cv2
import numpy as np

SIZE = 224  # side of the template frame, px

cv2.setNumThreads(1)


def rotation(yaw, pitch, roll):
    """R = Rz(roll) Rx(pitch) Ry(yaw), angles in degrees -> (3, 3) float32."""
    y, p, r = np.deg2rad([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (about_z @ about_x @ about_y).astype(np.float32)


def product_angles(turn):
    """(yaw, pitch, roll) in degrees of R = Rz(roll) Ry(yaw) Rx(pitch) (..., 3, 3): the order in which the product names them; `rotation` has another."""
    return np.rad2deg(np.stack([np.arcsin(np.clip(-turn[..., 2, 0], -1, 1)), np.arctan2(turn[..., 2, 1], turn[..., 2, 2]), np.arctan2(turn[..., 1, 0], turn[..., 0, 0])], -1))


def fit_similarity(source, target):
    """Least-squares similarity without reflection, (n, 2) -> (n, 2). Returns the 2x3 matrix (float64) and its scale."""
    source_mean, target_mean = source.mean(0), target.mean(0)
    s, t = source - source_mean, target - target_mean
    norm = (s ** 2).sum()
    a, b = (s * t).sum() / norm, (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum() / norm
    linear = np.array([[a, -b], [b, a]])
    return np.c_[linear, target_mean - linear @ source_mean], float(np.hypot(a, b))


def apply_similarity(matrix, scale, vertices):
    """Move (n, 3) vertices by a 2x3 similarity; z follows its scale."""
    return np.c_[vertices[:, :2] @ matrix[:, :2].T + matrix[:, 2], scale * vertices[:, 2]].astype(np.float32)


def compose(outer, inner):
    """2x3 matrix of outer(inner(.))."""
    return np.c_[outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]]


def warp_affine(image, matrix, size, border=cv2.BORDER_CONSTANT):
    """Image moved by `matrix` (source px -> output px, centres at +0.5) into a size x size frame.

    Reductions are smoothed by sampling twice as densely and averaging, so that large photos do not alias."""
    shrink = np.hypot(*matrix[:, 0]) < 0.7
    if shrink:
        matrix, size = 2 * matrix, 2 * size
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV puts pixel centres at integers
    out = cv2.warpAffine(image, shifted, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return cv2.resize(out, (size // 2, size // 2), interpolation=cv2.INTER_AREA) if shrink else out


def warp_by_flow(image, flow):
    """image sampled at p + flow[..., :2] (px), bilinear, black outside."""
    y, x = np.mgrid[:flow.shape[0], :flow.shape[1]].astype(np.float32)
    return cv2.remap(image, x + flow[..., 0].astype(np.float32), y + flow[..., 1].astype(np.float32), cv2.INTER_LINEAR)
