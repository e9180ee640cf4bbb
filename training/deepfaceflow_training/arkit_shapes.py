"""The model's expressions on the 468 vertices of the mesh network, by ARKit's names: what a person's mesh is given as named morph targets."""
import json

import numpy as np

from . import safetensors
from .coefficients import NAMES
from .contours import rim_weights
from .geometry import SIZE, rotation
from .morphable import FACE
from .rasteriser import Raster, shade, vertex_normals
from .regressor import LANDMARKS68
from .scene import eye_texture
from .template import DRAFT_ROI

_SKINS = 12


def _found_meshes(material):
    """(vertices px of the mean head, mean mesh (468, 3) that the package's network finds on it under several skins)."""
    model, g = material.model, np.random.default_rng(0)
    vertices = model.register(model.mean, rotation(0, 0, 0))
    raster, normals = Raster(vertices, model.triangles, SIZE), vertex_normals(vertices, model.triangles)
    light, gloss = np.r_[np.full(3, 0.7), 0, -0.3, -0.95, np.full(3, 0.4)], np.zeros(2)
    colours = np.float32([[150, 120, 100], [60, 50, 40], [120, 50, 45], [225, 215, 200]])
    pictures = [shade(raster, model, normals, material.textures[i], eye_texture(g), colours, light, gloss, np.full((SIZE, SIZE, 3), 128))
                for i in np.linspace(0, len(material.textures) - 1, _SKINS).astype(int)]
    meshes = material.regressor([np.clip(p, 0, 255).astype(np.uint8) for p in pictures], [DRAFT_ROI] * len(pictures))
    return vertices, np.mean(meshes, axis=0)


def mesh_places(material):
    """(468, n) weights of the model's vertices that give each vertex of the mesh: the skin seen where the mesh network puts it; rims of lips and lids by the landmarks."""
    model = material.model
    vertices, mesh = _found_meshes(material)
    skin = np.where(model.part == FACE)[0].astype(np.int32)
    raster = Raster(vertices, model.triangles, SIZE, subset=skin)
    rows, columns = np.nonzero(raster.covered)
    weights = np.zeros((len(mesh), len(model.mean)), np.float32)
    for vertex, (x, y, _) in enumerate(mesh):
        # At the outline the mesh may lie a pixel beside the skin.
        at = np.argmin((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2)
        row, column = rows[at], columns[at]
        first, second = raster.weights[row, column]
        weights[vertex, model.triangles[raster.owner[row, column]]] = first, second, 1 - first - second
    for vertex, share in zip(*rim_weights(list(LANDMARKS68))):
        weights[vertex] = 0
        np.add.at(weights[vertex], model.landmarks, share)
    for landmark, vertex in enumerate(LANDMARKS68):
        if landmark >= 17:  # contours slide
            weights[vertex] = 0
            weights[vertex, model.landmarks[landmark]] = 1
    return weights


def write_shapes(args, material, log=print):
    model = material.model
    weights = mesh_places(material)
    unit = np.linalg.norm(model.mean[model.landmarks[36]] - model.mean[model.landmarks[45]])
    neutral = weights @ model.mean / unit
    basis = {name: weights @ model.expression[model.index[name]].reshape(-1, 3) / unit for name in model.names}
    side = lambda name: name.replace('Left', '_L').replace('Right', '_R')
    shape = lambda name: basis[f'{name}_L'] + basis[f'{name}_R'] if name in ('browInnerUp', 'cheekPuff') else basis[name if name in basis else side(name)]
    shapes = np.stack([shape(name) for name in NAMES])
    for name, at in (('jawOpen', (13, 14, 152, 0, 17)), ('eyeBlinkLeft', (386, 374)), ('eyeBlinkRight', (159, 145)), ('mouthSmileLeft', (291, 61))):
        log(f'{name}: ' + ', '.join(f'{vertex}: {np.round(shapes[NAMES.index(name), vertex], 3).tolist()}' for vertex in at))
    safetensors.save(args.out, dict(neutral=neutral.astype(np.float16), shapes=shapes.astype(np.float16)),
                     dict(format='deepfaceflow', version='1', network='arkit-shapes', names=json.dumps(NAMES),
                          unit='distance of the outer corners of the eyes; x right, y down, z away', provenance='expressions of ICT-FaceKit (MIT) on the 468 vertices, by arkit-shapes of this repository'))
    log(args.out)
