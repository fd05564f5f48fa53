"""Reading images: all modes become the same RGB, all kinds of damage the same error."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.text import read_json, read_text
from minivision.data.voc_files import read_annotation

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, 256, (5, 7, 3), np.uint8)
GRAY = RNG.integers(0, 256, (5, 7), np.uint8)


def saved(image, path, **options):
    image.save(path, **options)
    return path


def test_rgb_is_unchanged(tmp_path):
    path = saved(Image.fromarray(COLORS), tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path), COLORS)
    assert image_size(path) == (5, 7)


def test_gray_is_repeated_and_16_bits_are_scaled_not_clipped(tmp_path):
    expected = np.repeat(GRAY[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(GRAY), tmp_path / "a.png")), expected)
    deep = Image.fromarray(GRAY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(saved(deep, tmp_path / "b.png")), expected)
    np.testing.assert_array_equal(read_image(saved(deep, tmp_path / "c.tif")), expected)


def test_16_bits_are_rounded_to_8(tmp_path):
    deep = Image.fromarray(np.array([[0, 100, 200, 32768, 65535]], np.uint16))
    assert read_image(saved(deep, tmp_path / "a.png"))[0, :, 2].tolist() == [0, 0, 1, 128, 255]


def test_one_bit_becomes_black_and_white(tmp_path):
    path = saved(Image.fromarray(GRAY > 100), tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path)[..., 1], np.where(GRAY > 100, 255, 0))


def test_transparent_pixels_are_blended_with_white(tmp_path):
    alpha = np.zeros((5, 7), np.uint8)
    alpha[:, :3] = 255
    path = saved(Image.fromarray(np.dstack([COLORS, alpha])), tmp_path / "a.png")
    expected = np.where(alpha[..., None] > 0, COLORS, 255)
    np.testing.assert_array_equal(read_image(path), expected)
    path = saved(Image.fromarray(np.dstack([GRAY, alpha])), tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(path)[..., 0], np.where(alpha > 0, GRAY, 255))


def test_palettes_are_converted_to_colors_also_with_a_transparent_color(tmp_path):
    indices = Image.new("P", (7, 5))
    indices.putdata((GRAY % 3).ravel().tolist())
    palette = np.array([[10, 20, 30], [200, 0, 0], [0, 200, 0]], np.uint8)
    indices.putpalette(palette.tobytes())
    np.testing.assert_array_equal(read_image(saved(indices, tmp_path / "a.png")), palette[GRAY % 3])
    palette[1] = 255
    path = saved(indices, tmp_path / "b.png", transparency=1)
    np.testing.assert_array_equal(read_image(path), palette[GRAY % 3])


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(Image.new("CMYK", (4, 3), (0, 255, 255, 0)), tmp_path / "a.tif")
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_exif_orientation_is_applied_unless_the_annotations_were_made_without_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise
    path = saved(Image.fromarray(COLORS), tmp_path / "a.png", exif=exif)
    assert image_size(path) == (7, 5)
    np.testing.assert_array_equal(read_image(path), np.rot90(COLORS, -1))
    np.testing.assert_array_equal(read_image(path, (7, 5)), np.rot90(COLORS, -1))
    np.testing.assert_array_equal(read_image(path, (5, 7)), COLORS)


def test_a_size_that_differs_from_the_annotations_is_an_error(tmp_path):
    path = saved(Image.fromarray(COLORS), tmp_path / "a.png")
    with pytest.raises(BrokenFileError, match="5x7.*annotations say 50x70"):
        read_image(path, (50, 70))


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_broken_file_is_an_error_with_its_name_and_the_reason(tmp_path, damage, suffix):
    path = tmp_path / f"broken.{suffix}"
    if damage == "cut":
        noise = RNG.integers(0, 256, (64, 64, 3), np.uint8)
        data = saved(Image.fromarray(noise), path).read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif damage != "missing":
        path.write_bytes(b"" if damage == "empty" else b"no picture")
    with pytest.raises(BrokenFileError, match=f"broken.{suffix}: ."):
        read_image(path)


def test_index_maps_give_indices_not_colors(tmp_path):
    image = Image.new("P", (7, 5))
    image.putdata((GRAY % 3).ravel().tolist())
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    np.testing.assert_array_equal(read_index_map(saved(image, tmp_path / "a.png")), GRAY % 3)
    with pytest.raises(BrokenFileError, match="gray or with a palette"):
        read_index_map(saved(Image.fromarray(COLORS), tmp_path / "b.png"))
    with pytest.raises(BrokenFileError, match="its image is 2x2"):
        read_index_map(tmp_path / "a.png", (2, 2))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_a_camera_of_fewer_than_16_bits_is_told_of(tmp_path, bits):
    path = saved(Image.fromarray(np.arange(1 << bits, dtype=np.uint16).reshape(32, -1)), tmp_path / "a.png")
    with pytest.warns(UserWarning, match=f"of which {bits} are used.*multiply its values by {1 << 16 - bits}"):
        read_image(path)
    cv2 = pytest.importorskip("cv2")  # Pillow cannot write 16 bits a channel in colors
    image = cv2.merge([cv2.imread(str(path), cv2.IMREAD_UNCHANGED)] * 3)
    cv2.imwrite(str(tmp_path / "color.png"), image)
    with pytest.warns(UserWarning, match=f"of which {bits} are used"):
        read_image(tmp_path / "color.png")


def test_a_file_of_a_format_that_is_not_listed_is_not_opened_whatever_its_name(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EOF\n")
    assert Image.open(path).format == "EPS"  # Pillow would hand it to another program
    with pytest.raises(BrokenFileError, match="it is not an image of these formats: PNG, JPEG"):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("read", [read_image, read_index_map, image_size, read_text, read_json, read_annotation])
def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(BrokenFileError, match="not an ordinary file"):
        read(tmp_path / "a.png")


def test_the_header_tells_depth_transparency_and_orientation(tmp_path):
    from minivision.data.images import image_header, is_image_name

    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    header = image_header(tmp_path / "turned.jpg")
    assert header == ("RGB", False, False, (20, 30), (30, 20))
    Image.fromarray(np.zeros((4, 5), np.uint16)).save(tmp_path / "deep.png")
    assert image_header(tmp_path / "deep.png").deep
    Image.new("RGBA", (5, 4)).save(tmp_path / "clear.png")
    assert image_header(tmp_path / "clear.png").transparent
    names = [Path(name) for name in ("a.JPG", "b.tiff", "c.json", "d.eps", "e")]
    assert [is_image_name(name) for name in names] == [True, True, False, False, False]
