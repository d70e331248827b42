"""Pictures of all kinds that Pillow wrote, read by strata and by Keras; and the way back."""
import itertools

import keras
import numpy as np
import pytest
from PIL import Image, ImageOps

MODES = ("rgb", "rgba", "grayscale")
FILTERS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def pictures(folder):
    """{name: path} of PNG and JPEG files of many modes and sizes."""
    rng = np.random.default_rng(3)
    smooth = np.kron(rng.integers(0, 256, (7, 9, 4)), np.ones((9, 11, 1))).astype("uint8")[:61, :97]
    rgb, rgba = Image.fromarray(smooth[..., :3], "RGB"), Image.fromarray(smooth, "RGBA")
    grey = rgb.convert("L")
    files = {}

    def save(name, image, **options):
        files[name] = folder / name
        image.save(files[name], **options)

    save("rgb.png", rgb)
    save("rgba.png", rgba)
    save("grey.png", grey)
    save("grey_alpha.png", rgba.convert("LA"))
    save("bits.png", grey.convert("1"))
    save("palette.png", rgb.quantize(17))
    save("palette_see_through.png", rgb.quantize(17), transparency=3)
    save("rgb_see_through.png", rgb, transparency=tuple(int(v) for v in smooth[0, 0, :3]))
    save("wide.png", Image.fromarray((smooth[..., 0].astype("uint16") * 251)))
    save("rgb.jpg", rgb, quality=90)
    save("rgb_444.jpg", rgb, quality=75, subsampling=0)
    save("progressive.jpg", rgb, quality=60, progressive=True)
    save("grey.jpg", grey)
    save("cmyk.jpg", rgb.convert("CMYK"))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"turned_{orientation}.jpg", rgb, quality=95, exif=exif)
        save(f"turned_{orientation}.png", rgb, exif=exif)
    return files


def strata_arrays(run_program, folder, cases):
    lines = [" ".join(map(str, case)) + f" {folder / str(i)}.npy" for i, case in enumerate(cases)]
    (folder / "cases.txt").write_text("\n".join(lines))
    run_program("load_images", folder / "cases.txt")
    return [np.load(f"{folder / str(i)}.npy") for i in range(len(cases))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return pictures(tmp_path_factory.mktemp("pictures"))


# capability: 7.7
def test_every_kind_of_file(run_program, files, tmp_path):
    cases = [(path, mode, 0, 0, "nearest", 0, 0) for path, mode in itertools.product(files.values(), MODES)]
    for case, ours in zip(cases, strata_arrays(run_program, tmp_path, cases)):
        theirs = keras.utils.img_to_array(keras.utils.load_img(case[0], color_mode=case[1]))
        assert ours.shape == theirs.shape, case
        assert np.abs(ours - theirs).max() <= 1, case


# capability: 7.7
@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "grey.png", "rgb.jpg"])
def test_resizing(run_program, files, tmp_path, name):
    sizes = [(32, 32), (61, 40), (20, 97), (130, 200), (1, 1), (61, 97)]
    cases = [(files[name], mode, *size, by, keep, 0)
             for mode, size, by, keep in itertools.product(MODES, sizes, FILTERS, (0, 1))]
    for case, ours in zip(cases, strata_arrays(run_program, tmp_path, cases)):
        path, mode, height, width, by, keep, _ = case
        theirs = keras.utils.img_to_array(keras.utils.load_img(
            path, color_mode=mode, target_size=(height, width), interpolation=by, keep_aspect_ratio=bool(keep)))
        assert ours.shape == theirs.shape, case
        assert np.abs(ours - theirs).max() <= 1, (case, np.abs(ours - theirs).max())


def test_orientation(run_program, files, tmp_path):
    names = [n for n in files if n.startswith("turned")]
    cases = [(files[n], "rgb", 0, 0, "nearest", 0, 1) for n in names]
    for name, ours in zip(names, strata_arrays(run_program, tmp_path, cases)):
        theirs = np.asarray(ImageOps.exif_transpose(Image.open(files[name])))
        assert ours.shape == theirs.shape, name
        assert np.abs(ours - theirs).max() <= 1, name


def test_pillow_reads_what_strata_writes(run_program, tmp_path):
    rng = np.random.default_rng(1)
    lines, wanted = [], {}
    for channels, end in itertools.product((1, 3, 4), ("png", "jpg")):
        x = np.kron(rng.normal(size=(4, 5, channels)), np.ones((8, 8, 1))).astype("float32")
        name = tmp_path / f"{channels}.{end}"
        np.save(tmp_path / f"{channels}_{end}.npy", x)
        lines.append(f"{tmp_path}/{channels}_{end}.npy save 0 0 nearest 0 0 {name}")
        wanted[name] = keras.utils.array_to_img(x)
    (tmp_path / "cases.txt").write_text("\n".join(lines))
    run_program("load_images", tmp_path / "cases.txt")
    for name, image in wanted.items():
        ours = Image.open(name)
        if name.suffix == ".png":
            assert ours.mode == image.mode
            assert np.array_equal(np.asarray(ours), np.asarray(image)), name
        else:
            keras.utils.save_img(tmp_path / "theirs.jpg", np.asarray(image).reshape(*image.size[::-1], -1), scale=False)
            theirs = np.asarray(Image.open(tmp_path / "theirs.jpg"), dtype="int32")
            assert np.abs(np.asarray(ours, dtype="int32") - theirs).max() <= 2, name
