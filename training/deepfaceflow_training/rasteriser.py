"""Python face of raster.c; the library is built on first use into the user's cache directory."""
import ctypes
import hashlib
import os
import subprocess
import tempfile

import numpy as np

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'raster.c')


def _build():
    """Compile raster.c once per content and machine; returns the loaded library."""
    with open(SOURCE, 'rb') as handle:
        digest = hashlib.sha256(handle.read()).hexdigest()[:16]
    folder = os.path.join(os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache')), 'deepfaceflow-training')
    library = os.path.join(folder, f'raster-{digest}.so')
    if not os.path.exists(library):
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            objects, shared = os.path.join(scratch, 'raster.o'), os.path.join(scratch, 'raster.so')
            # Linked without -ffast-math, which would change how the whole process treats denormals.
            subprocess.run(['gcc', '-O3', '-march=native', '-ffast-math', '-fPIC', '-c', '-o', objects, SOURCE], check=True)
            subprocess.run(['gcc', '-shared', '-o', shared, objects, '-lm'], check=True)
            os.replace(shared, library)
    return ctypes.CDLL(library)


_library = _build()


def _pointer(array):
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def _floats(array):
    return np.ascontiguousarray(array, np.float32)


class Raster:
    """Result of one rasterisation of size x size px: depth (1e9 where empty), owner triangle (-1), barycentric weights of vertices 0, 1."""

    def __init__(self, vertices, triangles, size, scale=1.0, subset=None):
        self.triangles, self.size = triangles, size
        self.depth = np.empty((size, size), np.float32)
        self.owner = np.empty((size, size), np.int32)
        self.weights = np.zeros((size, size, 2), np.float32)
        count = len(triangles) if subset is None else len(subset)
        vertices = _floats(vertices)
        _library.rasterise(_pointer(vertices), _pointer(triangles), _pointer(subset), count, size, size, ctypes.c_float(scale),
                           _pointer(self.depth), _pointer(self.owner), _pointer(self.weights))

    @property
    def covered(self):
        return self.owner >= 0

    def interpolate(self, attribute):
        """(n, 3) per vertex -> (size, size, 3), zero where empty."""
        out, attribute = np.empty((self.size, self.size, 3), np.float32), _floats(attribute)
        _library.interpolate(self.size ** 2, _pointer(self.owner), _pointer(self.weights), _pointer(self.triangles), _pointer(attribute), _pointer(out))
        return out


def vertex_normals(vertices, triangles):
    vertices = _floats(vertices)
    out = np.empty_like(vertices)
    _library.vertex_normals(_pointer(vertices), len(vertices), _pointer(triangles), len(triangles), _pointer(out))
    return out


def shade(raster, model, normals, skin, eye, colours, light, gloss, background):
    """Shaded picture (float32) of a rasterised morphable model over `background`; arguments as in raster.c."""
    rgb, light, gloss, colours = _floats(background).copy(), _floats(light), _floats(gloss), _floats(colours)
    lamps = (len(light) - 3) // 6
    _library.shade(raster.size, raster.size, _pointer(raster.owner), _pointer(raster.weights), _pointer(model.triangles), _pointer(model.triangle_uv),
                   _pointer(model.part), _pointer(model.uv), _pointer(normals), _pointer(skin), skin.shape[0], _pointer(eye), eye.shape[0],
                   _pointer(colours), _pointer(light), lamps, _pointer(gloss), _pointer(rgb))
    return rgb


def trace_flow(raster_a, raster_b, va, vb, traced, tolerance=1.2):
    """Exact flow of every pixel of A on a traced triangle, and its state (0 none, 1 visible in B, 2 hidden in B)."""
    size, triangles = raster_a.size, raster_a.triangles
    flow, state = np.empty((size, size, 3), np.float32), np.empty((size, size), np.uint8)
    va, vb, normals = _floats(va), _floats(vb), vertex_normals(vb, triangles)
    _library.trace_flow(size, size, _pointer(raster_a.owner), _pointer(raster_a.weights), _pointer(triangles), _pointer(traced), _pointer(va), _pointer(vb),
                        _pointer(raster_b.depth), _pointer(normals), ctypes.c_float(tolerance), _pointer(flow), _pointer(state))
    return flow, state
