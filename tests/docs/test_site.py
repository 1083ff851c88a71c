"""What a page would load from elsewhere is found; `make docs` looks at the built site."""

from pathlib import Path

import pytest

from tests.support.site import problems

ELSEWHERE = {
    "script": "<script src=https://x.example/a.js></script>",
    "script without a scheme": "<script src='//x.example/a.js'></script>",
    "style": '<link rel="stylesheet" href="https://x.example/a.css">',
    "preconnect": '<link rel="preconnect" href="https://x.example" crossorigin>',
    "icon": '<link rel="shortcut icon" href="http://x.example/a.ico">',
    "image": '<img alt="" src="https://x.example/a.png">',
    "images by width": '<img src="" srcset="a.png 1x, https://x.example/a.png 2x">',
    "picture": '<picture><source srcset="https://x.example/a.png"></picture>',
    "frame": '<iframe src="https://x.example/"></iframe>',
    "object": '<object data="https://x.example/a.svg"></object>',
    "video": '<video poster="https://x.example/a.png"></video>',
    "part of an SVG": '<svg><use href="https://x.example/a.svg#b"/></svg>',
    "image of an SVG": '<svg><image xlink:href="https://x.example/a.png"/></svg>',
    "base": '<base href="https://x.example/">',
    "refresh": '<meta http-equiv="refresh" content="0; url=https://x.example/">',
    "attribute": '<p style="background: url(https://x.example/a.png)">',
    "font": "<style>@font-face { src: url('https://x.example/a.woff2') }</style>",
    "import": '<style>@import "https://x.example/a.css";</style>',
    "import of a URL": "<style>@import url(//x.example/a.css);</style>",
    "diagram by a script": '<pre class="mermaid"><code>graph</code></pre>',
    "stars": '<div data-md-component="source"></div>',
}
OWN = """
<link rel="canonical" href="https://x.example/"><link rel="stylesheet" href="a.css?v=1#x">
<a href="https://x.example/">elsewhere</a><img src="data:image/png;base64,aaaa"><img src="a%20b.png">
<style>/* url(https://x.example/) */ p { fill: url(#a); background: url("/a.css") }</style>
<code>&lt;script src="https://x.example/"&gt;</code><script>var home = "https://x.example/"</script>
"""


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_from_elsewhere(kind: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<!doctype html><html><body>{ELSEWHERE[kind]}")
    (tmp_path / "a.png").touch()
    (line,) = problems(tmp_path)
    assert line.startswith("page.html: ")
    assert line.endswith(": is loaded from elsewhere")


def test_style_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text('p { background: URL( "https://x.example/a.png" ) }'.lower())
    (tmp_path / "b.svg").write_text('<svg><image href="https://x.example/a.png"/></svg>')
    assert [line.partition(":")[0] for line in problems(tmp_path)] == ["a.css", "b.svg"]


def test_own_files(tmp_path: Path) -> None:
    """Links that a reader follows, and files of the site, are none; a file that is missing is one."""
    (tmp_path / "page.html").write_text(OWN)
    (tmp_path / "a.css").touch()
    assert problems(tmp_path) == ["page.html: a%20b.png: does not exist"]
    (tmp_path / "a b.png").touch()
    assert problems(tmp_path) == []
