"""The toys of docs/toys, opened in a browser, and what they show."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "toys"
TOYS = ("iou", "nms", "roi", "anchors", "loss-weight", "yolo")

# All numbers with full precision, by the selector of their elements, and the texts beside them.
VALUES = "selector => [...document.querySelectorAll(selector)].map((each) => Number(each.dataset.value))"
TEXTS = "selector => [...document.querySelectorAll(selector)].map((each) => each.textContent)"
DATA = "(selector, name) => JSON.parse(document.querySelector(selector).dataset[name])"
SET = "values => toy.set(values)"


def open_toy(page, name, **screen):
    """Open a toy; it must not complain, nor ask the network for anything."""
    page.open(FOLDER / f"{name}.html", **{"width": 1000, "height": 800, **screen})
    assert page.problems == []
    assert all(url.startswith("file:") for url in page.requests)


def shown(page, selector):
    """Return the numbers that a toy shows, after a check that their texts are these numbers, rounded."""
    values, texts = page.ask(VALUES, selector), page.ask(TEXTS, selector)
    for value, text in zip(values, texts, strict=True):
        decimals = len(text.partition(".")[2])
        assert abs(float(text.replace("−", "-")) - value) <= 0.5 * 10**-decimals + 1e-9, (text, value)
    return values
