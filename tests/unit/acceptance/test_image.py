"""Comparing images with expected ones."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from c2casgiutils.acceptance import check_image, check_image_file
from c2casgiutils.acceptance._similarity import similarity

Picture = NDArray[np.uint8]

RED, WHITE, BLACK, BLUE = (255, 0, 0), (255, 255, 255), (0, 0, 0), (0, 0, 255)


def pattern(height: int = 20, width: int = 30) -> Picture:
    y, x, channel = np.mgrid[0:height, 0:width, 0:3]
    picture: Picture = ((x * 7 + y * 13 + channel * 31 + x * y) % 256).astype(np.uint8)
    return picture


def with_pixel(x: int, y: int, colour: tuple[int, int, int]) -> Picture:
    picture = pattern()
    picture[y, x] = colour
    return picture


def square(mode: str = "RGB", background: object = WHITE, dot: object = RED, size: int = 20) -> Image.Image:
    """A square with a dot in its middle."""
    image = Image.new(mode, (size, size), background)  # type: ignore[arg-type]  # a colour of the mode
    image.paste(dot, (8, 8, 12, 12))  # type: ignore[arg-type]  # the same
    return image


@pytest.fixture
def expected(tmp_path: Path) -> Path:
    path = tmp_path / "expected/square.expected.png"
    path.parent.mkdir()
    square().save(path)
    return path


def colours(path: Path) -> set[object]:
    with Image.open(path) as image:
        return {colour for _, colour in image.getcolors(1000) or ()}


@pytest.mark.parametrize(
    ("change", "score"),
    [
        (lambda: with_pixel(10, 10, BLACK), 0.9980475466064034),
        (lambda: 255 - pattern(), -0.9578377411329959),
        (lambda: pattern() // 2, 0.6397928193831318),
        (lambda: np.roll(pattern(), 1, axis=1), 0.6285753938449486),
    ],
    ids=["one pixel", "inverted", "darker", "shifted"],
)
def test_the_values_of_scikit_image(change: Callable[[], Picture], score: float) -> None:
    """`structural_similarity(…, channel_axis=-1)` of scikit-image 0.26 has the same."""
    assert similarity(pattern(), change()) == pytest.approx(score, abs=1e-12)


def test_only_equal_pictures_have_a_similarity_of_one() -> None:
    """One step of one channel in a large picture is less, whatever rounding does."""
    picture = np.zeros((300, 300, 3), dtype=np.uint8)
    other = picture.copy()
    assert similarity(picture, other) == 1
    other[0, 0, 0] = 1
    assert 0.999 < similarity(picture, other) < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 6), (7, 7)])
def test_small_pictures(size: tuple[int, int]) -> None:
    """Those that are smaller than a window are compared, too."""
    assert similarity(pattern(*size), pattern(*size)) == 1
    assert similarity(pattern(*size), 255 - pattern(*size)) < 0.9


def test_an_equal_image(expected: Path, tmp_path: Path) -> None:
    """Nothing is written."""
    check_image(tmp_path / "results", square(), expected)
    check_image_file(tmp_path / "results", expected, expected)
    assert not (tmp_path / "results").exists()


def test_a_different_image(expected: Path, tmp_path: Path) -> None:
    """The message has the numbers and names the files: actual, expected, and where they differ."""
    results = tmp_path / "results"
    with pytest.raises(AssertionError) as raised:
        check_image(results, square(dot=BLUE), expected)
    message = str(raised.value)
    assert re.match(r"The similarity is 0\.\d+, less than 1\.0: 16 of 400 pixels differ\n", message)
    for kind in "actual", "expected", "diff":
        assert f"\n  {kind}: {results}/square.{kind}.png" in message
    assert colours(results / "square.actual.png") == {WHITE, BLUE}
    assert colours(results / "square.expected.png") == {WHITE, RED}
    with Image.open(results / "square.diff.png") as image:
        assert image.getpixel((9, 9)) == RED
        assert image.getpixel((1, 1)) == WHITE


def test_the_level(expected: Path, tmp_path: Path) -> None:
    """A lower one lets a similar image pass."""
    image = square(dot=(250, 5, 5))
    check_image(tmp_path / "results", image, expected, level=0.9)
    with pytest.raises(AssertionError, match="less than 1"):
        check_image(tmp_path / "results", image, expected)


@pytest.mark.parametrize("level", [0, -1, 1.01, float("nan")])
def test_a_wrong_level(expected: Path, tmp_path: Path, level: float) -> None:
    """Each image would pass, or none."""
    with pytest.raises(ValueError, match="level must be above 0 and at most 1"):
        check_image(tmp_path, square(), expected, level=level)


def test_another_size(expected: Path, tmp_path: Path) -> None:
    """The message has both sizes; there is nothing to compare."""
    with pytest.raises(AssertionError, match="21 x 21 pixels instead of 20 x 20") as raised:
        check_image(tmp_path / "results", square(size=21), expected)
    assert "square.actual.png" in str(raised.value)
    assert not (tmp_path / "results/square.diff.png").exists()


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1", "CMYK"])
def test_modes(tmp_path: Path, mode: str) -> None:
    """Images of any mode are compared with each other by their colours."""
    image = square("L", 255, 0)
    expected = tmp_path / "square.tiff"
    image.convert(mode).save(expected)
    check_image(tmp_path / "results", image, expected)
    with pytest.raises(AssertionError):
        check_image(tmp_path / "results", square("L", 255, 90), expected)


def test_transparency(expected: Path, tmp_path: Path) -> None:
    """What is transparent is white, whatever colour it has; what is half transparent is in between."""
    check_image(tmp_path, square("RGBA", (0, 255, 0, 0), (*RED, 255)), expected)
    with pytest.raises(AssertionError, match="16 of 400 pixels differ"):
        check_image(tmp_path, square("RGBA", (0, 0, 0, 0), (*RED, 128)), expected)


@pytest.mark.parametrize("name", ["square.expected.png", "square.png"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA"])
def test_a_mask(tmp_path: Path, name: str, mode: str) -> None:
    """What is black in it is ignored, in either name of the expected image."""
    square().save(tmp_path / name)
    image = square(dot=BLUE)
    with pytest.raises(AssertionError):
        check_image(tmp_path / "results", image, tmp_path / name)
    square("L", 255, 0).convert(mode).save(tmp_path / "square.mask.png")
    check_image(tmp_path / "results", image, tmp_path / name)
    with pytest.raises(AssertionError):
        check_image(tmp_path / "results", image, tmp_path / name, use_mask=False)


def test_what_a_mask_does_not_hide(expected: Path, tmp_path: Path) -> None:
    """The written images have the dominant colour where the mask is black."""
    square("L", 255, 0).save(expected.with_name("square.mask.png"))
    image = square(dot=BLUE)
    image.putpixel((1, 1), BLACK)
    results = tmp_path / "results"
    with pytest.raises(AssertionError, match=r"1 of 400 pixels differ\n.*\n  actual masked: .*masked\.png"):
        check_image(results, image, expected)
    assert colours(results / "square.actual.png") == {WHITE, BLUE, BLACK}
    assert colours(results / "square.actual-masked.png") == {WHITE, BLACK}
    assert colours(results / "square.expected.png") == {WHITE}


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (square("L", 255, 128), "must be black (ignored) and white only"),
        (square(dot=RED), "must be black (ignored) and white only"),
        (square("L", 255, 0, 19), "has 19 x 19 pixels, the expected image 20 x 20"),
    ],
    ids=["grey", "red", "size"],
)
def test_wrong_masks(expected: Path, tmp_path: Path, mask: Image.Image, message: str) -> None:
    mask.save(expected.with_name("square.mask.png"))
    with pytest.raises(ValueError, match=re.escape(message)):
        check_image(tmp_path, square(), expected)


def test_a_missing_expected_image(tmp_path: Path) -> None:
    """It is written, and the check fails once."""
    expected = tmp_path / "new/square.expected.png"
    with pytest.raises(AssertionError, match=r"square\.expected\.png is new: look at it"):
        check_image(tmp_path, square(), expected)
    check_image(tmp_path, square(), expected)


def test_an_expected_image_anew(expected: Path, tmp_path: Path) -> None:
    """It replaces the old one; the check fails, so that it does not stay so."""
    with pytest.raises(AssertionError, match="is new"):
        check_image(tmp_path, square(dot=BLUE), expected, generate_expected_image=True)
    check_image(tmp_path, square(dot=BLUE), expected)


def test_results_beside_the_expected_image(expected: Path) -> None:
    """The expected image stays as it is."""
    before = expected.read_bytes()
    with pytest.raises(AssertionError):
        check_image(expected.parent, square(dot=BLUE), expected)
    assert expected.read_bytes() == before


def test_a_missing_image(expected: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_image_file(tmp_path, tmp_path / "none.png", expected)
