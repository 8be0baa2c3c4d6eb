"""Rough place of the brain by thresholding and morphology (CONSULT section 3.2).

The paper says no more than that; the sizes here are ours, in pixels of the resized image.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

LEAST, LARGEST = 0.05, 0.95
"""A mask covering less or more of the image than this is not a brain."""


def brain_mask(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where the brain is: bool (H, W) of a uint8 (H, W) or RGB (H, W, 3) image; never empty.

    Otsu's threshold on the 5x5-blurred grey image, 7x7 closing, the component with the largest
    part in the middle of the frame, holes filled, 5x5 erosion to stay off the skull's edge. If
    that covers under 5 % or over 95 % of the image, the threshold is 10 % of the maximum instead.
    If even that leaves under 5 %, as in a constant image, there is no telling brain from
    background and the whole image is the mask.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (5, 5), 0)
    _, foreground = cv2.threshold(smooth, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = _solid(foreground)
    if not LEAST <= mask.mean() <= LARGEST:
        mask = _solid((smooth > 0.1 * smooth.max()).astype(np.uint8))
    if mask.mean() < LEAST:
        mask = np.ones_like(mask)
    return mask.astype(bool)


def _solid(foreground: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Main component of the closed foreground, without holes, eroded; 0 or 1.

    Size is counted in the middle half of the height and width: some scans have white bars beside
    the head that are larger than it.
    """
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    closed = cv2.morphologyEx(foreground, cv2.MORPH_CLOSE, ellipse)
    count, labels = cv2.connectedComponents(closed, connectivity=8)
    height, width = foreground.shape
    middle = labels[height // 4 : height - height // 4, width // 4 : width - width // 4]
    sizes = np.bincount(middle.ravel(), minlength=count)[1:]
    if not sizes.any():
        return np.zeros_like(foreground)
    main = (labels == 1 + int(np.argmax(sizes))).astype(np.uint8)
    outlines, _ = cv2.findContours(main, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(main, outlines, -1, 1, cv2.FILLED)
    return np.asarray(cv2.erode(filled, np.ones((5, 5), np.uint8)), np.uint8)
