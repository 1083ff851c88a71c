"""Comparing images and screenshots with expected ones."""

import asyncio
import io
import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from c2casgiutils.acceptance import _similarity

if TYPE_CHECKING:
    from PIL import Image
    from playwright.async_api import Request as AsyncRequest
    from playwright.async_api import Route as AsyncRoute
    from playwright.sync_api import Request, Route

    from c2casgiutils.acceptance._similarity import Picture

__all__ = ["async_check_screenshot", "check_image", "check_image_file", "check_screenshot"]

__tracebackhide__ = True  # pytest shows the line of the test, not those of this module

_CHROMIUM = "chromium"


def check_image_file(
    result_folder: str | Path,
    image_filename: str | Path,
    expected_filename: str | Path,
    level: float = 1.0,
    *,
    generate_expected_image: bool = False,
    use_mask: bool = True,
) -> None:
    """Do the same as `check_image` with an image of a file.

    Raises:
        AssertionError: As `check_image`.
        FileNotFoundError: There is no such file.
    """
    from PIL import Image

    with Image.open(image_filename) as image:
        check_image(
            result_folder,
            image,
            expected_filename,
            level,
            generate_expected_image=generate_expected_image,
            use_mask=use_mask,
        )


def check_image(
    result_folder: str | Path,
    image: "Image.Image",
    expected_filename: str | Path,
    level: float = 1.0,
    *,
    generate_expected_image: bool = False,
    use_mask: bool = True,
) -> None:
    """Check that an image is as expected.

    Transparent pixels count as white. A mask is a black and white image of the same size beside the expected
    one: what is black in `NAME.mask.png` is ignored in `NAME.expected.png` or `NAME.png`.

    Args:
        result_folder: Where `NAME.actual.png`, `NAME.expected.png` and `NAME.diff.png` are written when the
            check fails, and with a mask `NAME.actual-masked.png`; created if it does not exist.
        image: An image of Pillow.
        expected_filename: The file of the expected image. If it does not exist it is written, and the check
            fails.
        level: The least structural similarity, which is 1 for equal images only.
        generate_expected_image: Write the expected image anew; the check fails, too.
        use_mask: Use the mask, if there is one.

    Raises:
        AssertionError: The image is less similar, or its size differs; the message names the files written.
        ValueError: The level is not above 0 and up to 1, or the mask is invalid.
    """
    if not 0 < level <= 1:
        raise ValueError(f"level must be above 0 and at most 1, not {level}")
    from PIL import Image

    expected_path = Path(expected_filename)
    actual = _similarity.to_array(image)
    if generate_expected_image or not expected_path.exists():
        expected_path.parent.mkdir(parents=True, exist_ok=True)
        image.save(expected_path)
        raise AssertionError(f"The expected image {expected_path} is new: look at it, and run the test again")
    with Image.open(expected_path) as file:
        expected = _similarity.to_array(file)
    results = _Results(Path(result_folder), expected_path)
    if actual.shape != expected.shape:
        sizes = f"{_similarity.size(actual)} pixels instead of {_similarity.size(expected)}"
        raise AssertionError(f"{expected_path}: {sizes}\n{results.write(actual=actual, expected=expected)}")
    mask_path = results.mask_path
    if use_mask and mask_path.exists():
        mask = _similarity.read_mask(mask_path, expected)
        _compare(results, actual, expected, level, mask)
    else:
        _compare(results, actual, expected, level)


def check_screenshot(
    url: str,
    result_folder: str | Path,
    expected_filename: str | Path,
    *,
    width: int = 800,
    height: int = 600,
    sleep: int = 100,
    headers: Mapping[str, str] | None = None,
    media: Mapping[str, Any] | None = None,
    level: float = 0.99,
    generate_expected_image: bool = False,
    use_mask: bool = True,
) -> None:
    """Check that a page looks as expected in Chromium.

    Args:
        url: The page.
        result_folder: As for `check_image`.
        expected_filename: As for `check_image`.
        width: Of the visible part of the page, in pixels.
        height: Of the visible part of the page, in pixels.
        sleep: Milliseconds to wait when the page is loaded.
        headers: Sent with the requests to the server of the page, and to no other.
        media: What the page may ask for, as `{"color_scheme": "dark"}`: the arguments of Playwright's
            `emulate_media`.
        level: As for `check_image`; the same page differs a little from machine to machine.
        generate_expected_image: As for `check_image`.
        use_mask: As for `check_image`.

    Raises:
        AssertionError: As `check_image`.
        RuntimeError: There is no Chromium; the message says how to install it.
    """
    from playwright.sync_api import sync_playwright

    added = _AddedHeaders(url, headers)

    def send(route: "Route", request: "Request") -> None:
        route.continue_(headers=added.to(request.headers))

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(playwright.chromium.executable_path))
        page = browser.new_page(viewport={"width": width, "height": height})
        page.route(added.apply, send)
        page.emulate_media(**(media or {}))
        page.goto(url)
        time.sleep(sleep / 1000)
        content = page.screenshot(animations="disabled")
        browser.close()
    _check_png(
        content,
        result_folder,
        expected_filename,
        level=level,
        generate_expected_image=generate_expected_image,
        use_mask=use_mask,
    )


async def async_check_screenshot(
    url: str,
    result_folder: str | Path,
    expected_filename: str | Path,
    *,
    width: int = 800,
    height: int = 600,
    sleep: int = 100,
    headers: Mapping[str, str] | None = None,
    media: Mapping[str, Any] | None = None,
    level: float = 0.99,
    generate_expected_image: bool = False,
    use_mask: bool = True,
) -> None:
    """Do the same as `check_screenshot` in an asynchronous test, where that one cannot run."""
    from playwright.async_api import async_playwright

    added = _AddedHeaders(url, headers)

    async def send(route: "AsyncRoute", request: "AsyncRequest") -> None:
        await route.continue_(headers=added.to(request.headers))

    async with async_playwright() as playwright:
        path = _executable(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=path)
        page = await browser.new_page(viewport={"width": width, "height": height})
        await page.route(added.apply, send)
        await page.emulate_media(**(media or {}))
        await page.goto(url)
        await asyncio.sleep(sleep / 1000)
        content = await page.screenshot(animations="disabled")
        await browser.close()
    _check_png(
        content,
        result_folder,
        expected_filename,
        level=level,
        generate_expected_image=generate_expected_image,
        use_mask=use_mask,
    )


class _Results:
    """The files beside an expected image, and those that are written when a check fails."""

    def __init__(self, folder: Path, expected: Path) -> None:
        self._folder = folder
        self._expected = expected
        self._name = expected.name.removesuffix(expected.suffix).removesuffix(".expected")

    @property
    def mask_path(self) -> Path:
        return self._expected.with_name(f"{self._name}.mask.png")

    def write(self, **pictures: "Picture") -> str:
        """Write pictures and return the part of the message that names them."""
        from PIL import Image

        self._folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for kind, picture in pictures.items():
            path = self._folder / f"{self._name}.{kind.replace('_', '-')}.png"
            if path.resolve() != self._expected.resolve():
                Image.fromarray(picture).save(path)
            lines.append(f"  {kind.replace('_', ' ')}: {path}")
        return "\n".join(lines)


class _AddedHeaders:
    """Headers for the server of a page, and for no other that it loads from."""

    def __init__(self, url: str, headers: Mapping[str, str] | None) -> None:
        self._server = urlsplit(url)[:2]
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}

    def apply(self, url: str) -> bool:
        """Return whether a request gets the headers."""
        return bool(self._headers) and urlsplit(url)[:2] == self._server

    def to(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a request with those that are added."""
        return {**headers, **self._headers}


def _compare(
    results: _Results, actual: "Picture", expected: "Picture", level: float, mask: Any = None
) -> None:
    pictures = {"actual": actual}
    if mask is not None:
        colour = _similarity.dominant_colour(expected)
        actual, expected = actual.copy(), expected.copy()
        actual[mask] = expected[mask] = colour
        pictures["actual_masked"] = actual
    score = _similarity.similarity(expected, actual)
    if score >= level:
        return
    different = _similarity.differing_pixels(expected, actual)
    pictures |= {"expected": expected, "diff": _similarity.show_difference(expected, different)}
    shown = math.floor(score * 1e6) / 1e6
    count = f"{different.sum():,} of {different.size:,} pixels differ"
    raise AssertionError(
        f"The similarity is {shown}, less than {level}: {count}\n{results.write(**pictures)}"
    )


def _check_png(
    content: bytes, result_folder: str | Path, expected_filename: str | Path, **options: Any
) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        check_image(result_folder, image, expected_filename, **options)


def _executable(bundled: str) -> str:
    """Return the path of the Chromium of the system, else of that which Playwright installed."""
    found = shutil.which(_CHROMIUM) or (bundled if Path(bundled).exists() else None)
    if found is None:
        raise RuntimeError(
            "chromium is missing: apt-get install --yes chromium, or python -m playwright install chromium"
        )
    return found
