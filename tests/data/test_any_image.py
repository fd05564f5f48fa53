"""Images as people have them, in every system: what is accepted is the same image, the rest is refused by name."""

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, as_rgb
from minivision.models import make_model, systems
from minivision.models.base.resizing import Resizing

RGB = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
GRAY = RGB[..., 0]


def test_what_people_have_becomes_the_same_array(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    opaque = np.dstack([RGB, np.full((16, 24), 255, np.uint8)])
    for image in (RGB, tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(RGB), opaque, RGB[::-1][::-1]):
        np.testing.assert_array_equal(as_rgb(image), RGB)
    for image in (GRAY, GRAY[..., None], Image.fromarray(GRAY)):
        np.testing.assert_array_equal(as_rgb(image), np.repeat(GRAY[..., None], 3, axis=2))
    assert as_rgb(RGB) is RGB


REFUSED = {
    r"got float64; convert it: \(255 \* image\)": RGB / 255,
    r"got int64; convert it: image.clip": RGB.astype(int),
    "got bool": RGB > 3,
    r"image.transpose\(1, 2, 0\)": RGB.transpose(2, 0, 1),
    r"got \(1, 16, 24, 3\)": RGB[None],
    r"got \(3,\)": RGB[0, 0],
    "no pixels": RGB[:0],
    "got a masked": np.ma.masked_array(RGB, RGB > 3),
    "got list": RGB.tolist(),
    "got NoneType": None,
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_would_be_misread_is_refused_with_a_remedy(message):
    with pytest.raises((TypeError, ValueError), match=f"^image: .*{message}"):
        as_rgb(REFUSED[message])


@pytest.mark.parametrize("name", systems())
def test_every_system_predicts_what_people_have_and_refuses_the_rest(name, tmp_path):
    classes = ("background", "person") if name in ("pose", "mask-rcnn") else ("background", "disc")
    model = make_model(name, classes, rng=np.random.default_rng(0))
    for predictor in (model, Resizing(model, (32, 32))):
        for wrong in (RGB / 255, RGB.transpose(2, 0, 1), np.ma.masked_array(RGB, RGB > 3)):
            with pytest.raises((TypeError, ValueError), match=r"^images\[1\]: "):
                predictor.predict([RGB, wrong])
        for one in (RGB, "photo.png", Image.fromarray(RGB)):
            with pytest.raises(TypeError, match=r"write predict\(\[image\]\)"):
                predictor.predict(one)
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert len(model.predict([GRAY, tmp_path / "a.png", Image.fromarray(RGB)])) == 3
    with pytest.raises(BrokenFileError, match="no such file"):
        model.predict(["none.png"])
