"""From photos to material for the generators: morphable-model fit, uv texture, registration by the product's mesh network."""
import json
import os
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from .geometry import fit_similarity
from .morphable import EXPRESSIONS, FACE
from .rasteriser import Raster, vertex_normals
from .regressor import LANDMARKS68, MissingMaterial

TEXTURE_SIZE = 256
TEST_PERIOD, TEST_REMAINDER = 7, 3  # every 7th usable photo is for evaluation only
MAX_RESIDUAL, MAX_YAW = 0.035, 28.0  # of a usable fit: mean landmark error / interocular distance, degrees
# A photo whose landmarks the mesh network does not confirm shows no whole face (an ear, an eye) or another one than the landmarks.
MIN_FACE_LOGIT, MAX_DISAGREEMENT = 5.0, 0.10  # disagreement: mean distance of the 51 inner landmarks / interocular distance
_SKIN_BINS = 6
LIKENESS = 0.9  # correlation of two skins above which they are one person's: two other people reach 0.89
_FITTED = (
    'jawOpen', 'mouthClose', 'mouthSmile_L', 'mouthSmile_R', 'mouthPucker', 'mouthFunnel', 'mouthUpperUp_L', 'mouthUpperUp_R', 'mouthLowerDown_L',
    'mouthLowerDown_R', 'mouthStretch_L', 'mouthStretch_R', 'mouthFrown_L', 'mouthFrown_R', 'browInnerUp_L', 'browInnerUp_R', 'browOuterUp_L',
    'browOuterUp_R', 'browDown_L', 'browDown_R', 'eyeBlink_L', 'eyeBlink_R', 'eyeWide_L', 'eyeWide_R', 'mouthLeft', 'mouthRight', 'jawLeft', 'jawRight')


@dataclass
class Fit:
    """photo px = scale * turn @ shape(identity, expression) + shift (xy)."""
    identity: np.ndarray
    expression: np.ndarray
    turn: np.ndarray
    scale: float
    shift: np.ndarray
    residual: float = 0.0  # mean landmark error / interocular distance

    def vertices(self, model):
        """(n, 3) photo px, z zero at the landmarks' mean."""
        out = model.shape(self.identity, self.expression) @ self.turn.T * self.scale
        out[:, :2] += self.shift
        out[:, 2] -= out[model.landmarks, 2].mean()
        return out.astype(np.float32)

    def pack(self):
        return np.r_[self.identity, self.expression, self.turn.ravel(), self.scale, self.shift].astype(np.float32)

    @staticmethod
    def unpack(row, identities):
        rest = row[identities:]
        return Fit(row[:identities], rest[:EXPRESSIONS], rest[EXPRESSIONS:EXPRESSIONS + 9].reshape(3, 3), float(rest[EXPRESSIONS + 9]), rest[EXPRESSIONS + 10:])


def fit_model(model, points, identities=35, rounds=12):
    """Gauss-Newton fit to 68 landmarks (photo px): rotation, scale, shift, identity and expression under Gaussian priors."""
    fitted = [model.index[name] for name in _FITTED]
    at, mean = model.landmarks, model.mean[model.landmarks]
    basis = np.r_[model.identity[:identities].reshape(identities, -1, 3)[:, at], model.expression[fitted].reshape(len(fitted), -1, 3)[:, at]]
    k, coefficients = len(basis), np.zeros(len(basis))
    interocular = np.linalg.norm(points[36] - points[45])
    scale = interocular / np.linalg.norm(mean[45] - mean[36])
    turn = Rotation.from_euler('z', np.arctan2(*(points[45] - points[36])[::-1])).as_matrix()
    shift = points.mean(0) - (scale * mean @ turn.T)[:, :2].mean(0)
    weights = np.ones(68)
    weights[:17], weights[8] = 0.35, 0.7  # the jaw line slides along the silhouette; its chin does not
    sigma = 0.013 * interocular
    precision = np.r_[np.full(identities, 1.0), np.full(len(fitted), 1 / 0.35 ** 2)]
    prior = np.arange(6, 6 + k)
    for _ in range(rounds):
        turned = (mean + np.tensordot(coefficients, basis, 1)) @ turn.T
        residual = (points - (scale * turned[:, :2] + shift)) * weights[:, None]
        jacobian = np.zeros((68, 2, 6 + k))
        jacobian[:, 0, 1], jacobian[:, 0, 2] = scale * turned[:, 2], -scale * turned[:, 1]
        jacobian[:, 1, 0], jacobian[:, 1, 2] = -scale * turned[:, 2], scale * turned[:, 0]
        jacobian[:, :, 3] = scale * turned[:, :2]
        jacobian[:, 0, 4] = jacobian[:, 1, 5] = 1
        jacobian[:, :, 6:] = scale * (basis @ turn.T)[:, :, :2].transpose(1, 2, 0)
        flat = (jacobian * weights[:, None, None]).reshape(136, -1)
        hessian, gradient = flat.T @ flat / sigma ** 2, flat.T @ residual.ravel() / sigma ** 2
        hessian[prior, prior] += precision
        gradient[6:] -= precision * coefficients
        step = np.linalg.solve(hessian + 1e-9 * np.eye(6 + k), gradient)
        turn = Rotation.from_rotvec(np.clip(step[:3], -0.3, 0.3)).as_matrix() @ turn
        scale, shift, coefficients = scale * np.exp(np.clip(step[3], -0.2, 0.2)), shift + step[4:6], coefficients + step[6:]
        coefficients[identities:] = np.clip(coefficients[identities:], 0, 1.1)
    identity, expression = np.zeros(len(model.identity)), np.zeros(EXPRESSIONS)
    identity[:identities], expression[fitted] = coefficients[:identities], coefficients[identities:]
    final = (scale * ((mean + np.tensordot(coefficients, basis, 1)) @ turn.T)[:, :2] + shift)
    return Fit(identity, expression, turn.astype(np.float32), float(scale), shift.astype(np.float32), float(np.abs(points - final).mean() / interocular))


def push_pull(image, mask, levels=8):
    """Fill what the mask does not cover (image (h, w, c), mask (h, w) in [0, 1]) smoothly from coarser and coarser averages."""
    images, masks = [image * mask[..., None]], [mask.astype(np.float32)]
    for _ in range(levels):
        images.append(cv2.resize(images[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        masks.append(cv2.resize(masks[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        if min(masks[-1].shape) <= 1:
            break
    out = images[-1] / np.maximum(masks[-1], 1e-6)[..., None]
    for level, known in zip(images[-2::-1], masks[-2::-1]):
        out = cv2.resize(out.reshape(*out.shape[:2], -1), level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        trust = np.minimum(known * 4, 1)[..., None]
        out = out * (1 - trust) + level / np.maximum(known, 1e-6)[..., None] * trust
    return out


class Baker:
    """Unwraps photos into uv textures; unseen texels come from the mirrored side, then from push-pull filling."""

    DEPTH_SIZE = 512

    def __init__(self, model):
        self.model = model
        face = np.where(model.part == FACE)[0].astype(np.int32)
        texels = np.zeros((len(model.uv), 3), np.float32)
        texels[:, 0], texels[:, 1] = model.uv[:, 0] * TEXTURE_SIZE, (1 - model.uv[:, 1]) * TEXTURE_SIZE
        self.raster = Raster(texels, model.triangle_uv, TEXTURE_SIZE, subset=face)
        self.raster.triangles = model.triangles  # from here on it interpolates vertex attributes

    def bake(self, photo, vertices):
        """photo (h, h, 3) u8 and the fitted vertices in its px -> texture (256, 256, 3) u8."""
        side = photo.shape[0]
        position = self.raster.interpolate(vertices)
        normal = self.raster.interpolate(vertex_normals(vertices, self.model.triangles))
        scale = self.DEPTH_SIZE / side
        depth = Raster(vertices, self.model.triangles, self.DEPTH_SIZE, scale).depth
        surface = cv2.remap(depth, position[..., 0] * scale - 0.5, position[..., 1] * scale - 0.5, cv2.INTER_NEAREST, borderValue=-1e9)
        inside = ((position[..., :2] > 1) & (position[..., :2] < side - 1)).all(2)
        seen = self.raster.covered & inside & (normal[..., 2] < -0.25) & (position[..., 2] < surface + 0.025 * side * scale)
        seen = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        colour = cv2.remap(photo, position[..., 0] - 0.5, position[..., 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        mirrored = seen[:, ::-1]
        image = np.where(seen[..., None], colour, np.where(mirrored[..., None], colour[:, ::-1], 0))
        return np.clip(push_pull(image, (seen | mirrored).astype(np.float32)), 0, 255).astype(np.uint8)


def skin_weights(textures):
    """Sampling weights that give each of six bands of skin luminance the same share of the heads."""
    cheeks = textures[:, 100:156:4, 100:156:4].reshape(len(textures), -1, 3).mean(1) @ [0.299, 0.587, 0.114]
    edges = np.linspace(np.percentile(cheeks, 2), np.percentile(cheeks, 98), _SKIN_BINS + 1)[1:-1]
    bands = np.digitize(cheeks, edges)
    counts = np.bincount(bands, minlength=_SKIN_BINS)
    return 1.0 / (counts[bands] + 0.02 * len(textures))  # floored, so that a nearly empty band is not one face repeated


def read_photo(path):
    image = cv2.imread(path)
    if image is None:
        raise MissingMaterial(f'{path}: missing or not a readable picture')
    return image[..., ::-1]


def _earlier_split(path):
    if path is None:
        return {}
    try:
        with np.load(path) as data:
            return {str(name): bool(test) for name, test in zip(data['names'], data['test'])}
    except (OSError, ValueError) as error:
        raise MissingMaterial(f'{path}: {error}; --before must name a file that `prepare` wrote') from error


def _disagreement(mesh, points):
    """Mean distance of the inner 51 landmarks from the mesh's, in interocular distances."""
    return np.linalg.norm(mesh[LANDMARKS68[17:], :2] - points[17:], axis=1).mean() / np.linalg.norm(points[36] - points[45])


def split_of(names, before=None):
    """Which of the photo names (sorted) are for evaluation. before: name -> bool of an earlier preparation, whose photos stay on their side; new ones are counted apart."""
    before = before or {}
    added = [name for name in names if name not in before]
    chosen = {name: number % TEST_PERIOD == TEST_REMAINDER for number, name in enumerate(added)}
    return np.array([before.get(name, chosen.get(name)) for name in names], bool)


def likenesses(textures):
    """Correlations (n, n) of skins (n, 256, 256, 3) seen coarsely."""
    small = textures[:, ::16, ::16].reshape(len(textures), -1).astype(np.float32)
    small -= small.mean(1, keepdims=True)
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    return small @ small.T


def without_doubles(test, textures, held):
    """The split (n,) less the evaluation photos whose person is also among the training ones; `held` (n,) stay for evaluation and push the doubles' pictures out: -> (test, kept), bool."""
    alike = likenesses(textures) > LIKENESS
    kept = ~(alike[:, test & held].any(1) & ~test)
    test = test & (held | ~alike[:, ~test & kept].any(1))
    return test, kept


def prepare_photos(material, landmarks_path, model, regressor, template, out, before=None, log=print):
    """Fit, unwrap and register every photo; writes the material file `out` (.npz). Photos without a face or with a poor fit are left out.

    before: an earlier material file, whose photos stay in their split."""
    try:
        with open(landmarks_path) as handle:
            landmarks = json.load(handle)
    except (OSError, ValueError) as error:
        raise MissingMaterial(f'{landmarks_path}: {error}') from error
    baker, rows = Baker(model), []
    for name in sorted(landmarks):
        points = np.array(landmarks[name]['pts'], np.float32)
        fit = fit_model(model, points)
        yaw = np.rad2deg(np.arctan2(fit.turn[0, 2], fit.turn[2, 2]))
        if fit.residual > MAX_RESIDUAL or abs(yaw) > MAX_YAW:
            continue
        try:
            photo = read_photo(os.path.join(material, 'faces', name))
        except MissingMaterial as error:
            log(f'left out: {error}')
            continue
        mesh, roi = regressor.track(photo, points)
        registration, _ = fit_similarity(mesh[LANDMARKS68, :2].astype(np.float64), template.landmarks)
        confirmed = regressor.face_logit(photo, roi) >= MIN_FACE_LOGIT and _disagreement(mesh, points) <= MAX_DISAGREEMENT
        rows.append((name, baker.bake(photo, fit.vertices(model)), fit.pack(), registration, confirmed))
    names, textures, fits, registrations, confirmed = map(np.array, zip(*rows))
    earlier = _earlier_split(before)
    test = split_of([str(name) for name in names], earlier)
    test, kept = without_doubles(test, textures, np.array([str(name) in earlier for name in names]))
    confirmed &= kept
    fields = dict(names=names, textures=textures, fits=fits, registrations=registrations, test=test, weights=skin_weights(textures))
    np.savez(out, **{name: values[confirmed] for name, values in fields.items()})
    log(f'{int(confirmed.sum())} of {len(landmarks)} photos kept, {int((test & confirmed).sum())} of them for evaluation; '
        f'{int((~confirmed & kept).sum())} were not confirmed by the mesh network, {int((~kept).sum())} show a person who is held for evaluation')
