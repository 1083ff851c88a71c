"""Pictures as arrays: how similar two are, where they differ, and what a mask hides.

All arrays have the shape (height, width, 3) and the type `uint8`. NumPy and Pillow are imported on first use.
"""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Picture: TypeAlias = NDArray[np.uint8]

_WINDOW = 7
_RED = (255, 0, 0)
_FADED = 0.25


def to_array(image: "Image.Image") -> "Picture":
    """Return the pixels of an image; what is transparent is white."""
    import numpy as np
    from PIL import Image

    on_white = Image.new("RGBA", image.size, "white")
    on_white.alpha_composite(image.convert("RGBA"))
    return np.asarray(on_white.convert("RGB"))


def similarity(first: "Picture", second: "Picture") -> float:
    """Return the structural similarity of two pictures of one size: 1 only for equal ones, down to -1.

    It is the mean of the index over all windows of 7 by 7 pixels and all channels, with the sample
    covariance, which scikit-image calculates, too. See Wang et al., Image quality assessment: From error
    visibility to structural similarity, 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    import numpy as np

    if np.array_equal(first, second):
        return 1.0
    x, y = _padded(first), _padded(second)
    count = _WINDOW * _WINDOW
    mean_x, mean_y = _sums(x) / count, _sums(y) / count
    variance_x = (_sums(x * x) - count * mean_x**2) / (count - 1)
    variance_y = (_sums(y * y) - count * mean_y**2) / (count - 1)
    covariance = (_sums(x * y) - count * mean_x * mean_y) / (count - 1)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return min(float(index.mean()), float(np.nextafter(1, 0)))  # rounding makes no two pictures equal


def differing_pixels(first: "Picture", second: "Picture") -> "NDArray[np.bool_]":
    """Return where two pictures of one size differ."""
    import numpy as np

    different: NDArray[np.bool_] = np.any(first != second, axis=2)
    return different


def show_difference(expected: "Picture", different: "NDArray[np.bool_]") -> "Picture":
    """Return the expected picture in faint grey, with the differing pixels in red."""
    import numpy as np

    grey = 255 - _FADED * (255 - expected.mean(axis=2, keepdims=True))
    shown = np.repeat(grey, 3, axis=2).astype(np.uint8)
    shown[different] = _RED
    return shown


def read_mask(path: Path, expected: "Picture") -> "NDArray[np.bool_]":
    """Return what a mask hides: its black pixels.

    Raises:
        ValueError: It has other colours than black and white, or another size than the expected picture.
    """
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        mask = to_array(image)
    if mask.shape != expected.shape:
        raise ValueError(f"The mask {path} has {size(mask)} pixels, the expected image {size(expected)}")
    black: NDArray[np.bool_] = np.all(mask == 0, axis=2)
    white = np.all(mask == np.iinfo(np.uint8).max, axis=2)
    if not np.all(black | white):
        raise ValueError(f"The mask {path} must be black (ignored) and white only")
    return black


def dominant_colour(picture: "Picture") -> tuple[int, int, int]:
    """Return the colour that most pixels have."""
    import numpy as np

    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    red, green, blue = colours[np.argmax(counts)].tolist()
    return red, green, blue


def size(picture: "Picture") -> str:
    """Return the width and height for a message."""
    return f"{picture.shape[1]} x {picture.shape[0]}"


def _padded(picture: "Picture") -> "NDArray[np.int64]":
    """Return integers, of which sums are exact, in a size that has at least one window."""
    import numpy as np

    missing = [(0, max(0, _WINDOW - length)) for length in picture.shape[:2]]
    return np.pad(picture.astype(np.int64), [*missing, (0, 0)], mode="edge")


def _sums(values: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return the sum of each window."""
    import numpy as np

    for axis in (0, 1):
        before = [(1, 0) if axis == number else (0, 0) for number in range(3)]
        totals = np.swapaxes(np.pad(np.cumsum(values, axis=axis), before), 0, axis)
        values = np.swapaxes(totals[_WINDOW:] - totals[:-_WINDOW], 0, axis)
    return values
