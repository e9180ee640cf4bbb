"""The ICT-FaceKit morphable model in the template's frame (x right, y down, z away from the camera), read from `ict_facekit.npz`."""
import os

import numpy as np

from .geometry import fit_similarity, rotation
from .regressor import MissingMaterial
from .template import mean_landmarks

FACE, HEAD_NECK, MOUTH_SOCKET, TEETH, LEFT_EYE, RIGHT_EYE = 0, 1, 2, 3, 4, 6
_INNER_EYE_SHELLS = (5, 7)  # dropped: the sclera carries the iris picture
EXPRESSIONS = 53


class MorphableModel:
    """vertices = mean + identity . basis + expression . basis.

    Attributes: triangles (m, 3), triangle_uv (m, 3), part (m,), uv (k, 2), landmarks (68,) vertex indices, names (53,) of the expressions.
    """

    def __init__(self, material, identities=50):
        path = os.path.join(material, 'ict_facekit.npz')
        try:
            data = np.load(path)
        except OSError as error:
            raise MissingMaterial(f'{path}: {error}. --material must name the folder that holds the morphable model and faces/.') from error
        flip = np.array([1, -1, -1], np.float32)  # the file has y up and z towards the camera
        keep = ~np.isin(data['tri_part'], _INNER_EYE_SHELLS)
        triangles = data['tri'][keep]
        used = np.unique(triangles)
        renumber = np.zeros(len(data['mean']), np.int32)
        renumber[used] = np.arange(len(used))
        self.triangles = np.ascontiguousarray(renumber[triangles], np.int32)
        self.triangle_uv = np.ascontiguousarray(data['tri_uv'][keep], np.int32)
        self.part = np.ascontiguousarray(data['tri_part'][keep], np.uint8)
        self.uv = np.ascontiguousarray(data['uv'], np.float32)
        self.landmarks = renumber[data['lm68']]
        self.mean = (data['mean'][used] * flip).astype(np.float32)
        self.identity = (data['id_basis'][:identities, used].astype(np.float32) * flip).reshape(identities, -1)
        self.expression = (data['ex_basis'][:, used].astype(np.float32) * flip).reshape(EXPRESSIONS, -1)
        self.names = [str(name) for name in data['ex_names']]
        self.index = {name: i for i, name in enumerate(self.names)}
        self.eyes = [np.where(data['vert_part'][used] == part)[0] for part in (LEFT_EYE, RIGHT_EYE)]
        self.traced = np.ascontiguousarray(np.isin(self.part, (FACE, HEAD_NECK, TEETH, LEFT_EYE, RIGHT_EYE)), np.uint8)
        self.skin_triangles = np.where(np.isin(self.part, (FACE, HEAD_NECK, LEFT_EYE, RIGHT_EYE)))[0].astype(np.int32)
        self.template = mean_landmarks(self.mean, self.landmarks)

    def shape(self, identity, expression):
        """Vertices (n, 3) in model units (about a centimetre)."""
        vertices = self.mean.ravel() + identity.astype(np.float32) @ self.identity[:len(identity)]
        active = np.nonzero(expression)[0]
        if len(active):
            vertices = vertices + expression[active].astype(np.float32) @ self.expression[active]
        return vertices.reshape(-1, 3)

    def turn_eyes(self, vertices, yaw, pitch):
        turn, out = rotation(yaw, pitch, 0), vertices.copy()
        for eye in self.eyes:
            centre = (vertices[eye].min(0) + vertices[eye].max(0)) / 2
            out[eye] = (vertices[eye] - centre) @ turn.T + centre
        return out

    def register(self, vertices, turn):
        """Rotate, project and bring the model's own 68 landmarks to the template: (n, 3) px, z zero at the landmarks' mean."""
        turned = vertices @ turn.T
        points = turned[self.landmarks]
        matrix, scale = fit_similarity(points[:, :2].astype(np.float64), self.template)
        turned[:, 2] -= points[:, 2].mean()
        return np.c_[turned[:, :2] @ matrix[:, :2].T + matrix[:, 2], scale * turned[:, 2]].astype(np.float32)
