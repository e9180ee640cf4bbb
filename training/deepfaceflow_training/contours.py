"""Rims of the lids, inner lips and chin: what the exact flow cannot tell of a vertex there, the head's true landmarks can.

Looked up in the flow, a vertex on the rim of an open eye often gives the motion of the eyeball, and one between closed lips that of either lip, so a network that
is tuned by the flow alone draws closed eyes half open. The true landmarks lie on these rims; vertices between two of them move as their neighbours do."""
import numpy as np

# (vertices of a rim in order, landmarks on it in order): each landmark is at the vertex that `LANDMARKS68` names, ends included.
_UPPER_LIDS = (((33, 246, 161, 160, 159, 158, 157, 173, 133), (36, 37, 38, 39)), ((362, 398, 384, 385, 386, 387, 388, 466, 263), (42, 43, 44, 45)))
_LOWER_LIDS = (((33, 7, 163, 144, 145, 153, 154, 155, 133), (36, 41, 40, 39)), ((362, 382, 381, 380, 374, 373, 390, 249, 263), (42, 47, 46, 45)))
_UPPER_LIP = (((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (60, 61, 62, 63, 64)),)
_LOWER_LIP = (((78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308), (60, 67, 66, 65, 64)),)
# Of each landmark the one at its place on the other side of the face, iBUG order.
MIRRORED_LANDMARKS = (*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
                      54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65)
RIMS = (*_UPPER_LIDS, *_LOWER_LIDS, *_UPPER_LIP, *_LOWER_LIP)
CHIN, CHIN_LANDMARK = 152, 8
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
# Pairs of landmarks, upper and lower, whose distance says how far an eye or the mouth is open.
LID_GAPS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIP_GAPS = ((61, 67), (62, 66), (63, 65))
# Corners of the outer and the inner lips: how wide the mouth is.
MOUTH_WIDTHS = ((48, 54), (60, 64))


def rim_weights(landmark_vertices):
    """-> (vertices (k,) of the rims and the chin, weights (k, 68) that give their places from the landmarks). landmark_vertices: `LANDMARKS68`."""
    at, rows = {}, {}
    for vertices, landmarks in RIMS:
        stops = [vertices.index(landmark_vertices[landmark]) for landmark in landmarks]
        for number, vertex in enumerate(vertices):
            row = np.zeros(68, np.float32)
            for k, landmark in enumerate(landmarks):
                row[landmark] = np.interp(number, stops, np.eye(len(stops))[k])
            rows[vertex] = row
    rows[CHIN] = np.eye(68, dtype=np.float32)[CHIN_LANDMARK]
    at = np.array(sorted(rows))
    return at, np.stack([rows[vertex] for vertex in at])


def gaps(points, pairs):
    """points (..., 68, 3) -> mean opening (...) px over `pairs`, along y: negative where lids overlap."""
    upper, lower = np.array(pairs).T
    return (points[..., lower, 1] - points[..., upper, 1]).mean(-1)
