"""From supersampled float pictures to the 8-bit frames of a video: response, saturation, blur, noise, JPEG."""
import cv2
import numpy as np

from .geometry import SIZE


def develop(g, images):
    """Two (2s, 2s, 3) float pictures -> two (s, s, 3) uint8; one camera, small differences from frame to frame."""
    gamma, contrast, offset = np.exp(g.normal(0, 0.15)), np.exp(g.normal(0, 0.08)), g.normal(0, 5)
    saturation = g.uniform(0.6, 1.15)
    levels = np.arange(256)
    blur = g.uniform(0, 1.1) if g.random() < 0.5 else 0
    noise = g.uniform(0, 6) if g.random() < 0.6 else 0
    quality = int(g.uniform(35, 95)) if g.random() < 0.6 else 0
    out = []
    for image in images:
        image = np.clip(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), 0, 255)
        grey = image.mean(2, keepdims=True)
        image = np.clip(grey + (image - grey) * saturation, 0, 255)
        response = ((levels / 255.0) ** gamma * 255 - 128) * contrast * np.exp(g.normal(0, 0.01)) + 128 + offset + g.normal(0, 1.5)
        image = np.interp(image, levels, np.clip(response, 0, 255)).astype(np.float32)
        own_blur = blur * g.uniform(0.7, 1.3)
        if own_blur > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), own_blur)
        if noise:
            image = image + g.standard_normal((SIZE, SIZE, 3), np.float32) * noise
        image = (np.clip(image, 0, 255) + 0.5).astype(np.uint8)
        if quality:
            image = cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        out.append(image)
    return out


def develop_clean(images):
    """Reduction only: for the photometric check of the ground truth."""
    return [(np.clip(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), 0, 255) + 0.5).astype(np.uint8) for image in images]
