"""Figures: what stands where on the image grids, and their files."""

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.data.blurs import LinearBlur
from snadnet.data.protocols import Protocol
from snadnet.errors import ConfigError, ModelError, OutputExistsError
from snadnet.evaluation import figures
from snadnet.evaluation.figures.comparison import eyes_and_mouth
from snadnet.evaluation.figures.image_grid import INSET_COLOURS, OUTLINE, Cell, draw_grid, write_grid
from snadnet.evaluation.figures.parsing import CLASS_COLOURS, colour_classes
from snadnet.evaluation.figures.regions import REGION_TITLES
from snadnet.evaluation.methods import Method
from snadnet.evaluation.test_set import blurred_on_the_fly
from snadnet.faces import CROP_SIZE, TEMPLATE, FaceDetector
from snadnet.faces.classes import NUM_CLASSES, REGIONS
from snadnet.models import create_network, read_model, save_network
from support.face_data import make_faces

SMALL = Protocol("small", 64, LinearBlur(length=9, angle=30), noise_sigma=0.0, seed=5)
SIDE, GAP, HEAD = 256, 6, 22


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    images, labels = make_faces(tmp_path_factory.mktemp("faces"), 4)
    return blurred_on_the_fly(SMALL, images, labels=labels)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for name in ("bisenet-small", "snadnet-small"):
        torch.manual_seed(0)
        save_network(folder / f"{name}.safetensors", create_network(name), name)
    return folder


def middle(grid, row, column, *, height):
    """The colour in the middle of a cell."""
    return tuple(grid[HEAD + row * height + SIDE // 2, GAP + column * (SIDE + GAP) + SIDE // 2].tolist())


def test_cells_stand_in_rows_and_columns():
    colours = [[(10, 20, 30), (40, 50, 60)], [(70, 80, 90), (100, 110, 120)]]
    rows = [[Cell(np.full((8, 8, 3), colour, np.uint8)) for colour in row] for row in colours]
    grid = draw_grid(["one", "two"], rows)
    assert grid.shape == (HEAD + GAP + 2 * (SIDE + GAP), 2 * (SIDE + GAP) + GAP, 3)
    for row in range(2):
        for column in range(2):
            assert middle(grid, row, column, height=SIDE + GAP) == colours[row][column]
    assert grid[:HEAD].min() < 100  # the heads
    assert tuple(grid[HEAD + 50, GAP - 1].tolist()) == OUTLINE
    assert grid[HEAD + 50, GAP - 2].min() == 255


def test_regions_are_framed_and_enlarged_below():
    image = np.zeros((64, 64, 3), np.uint8)
    image[8:16, 16:32] = (0, 255, 0)
    image[40:48, 56:64] = (0, 0, 255)
    # The second region would reach over the border, and is moved back.
    grid = draw_grid(["a"], [[Cell(image, "caption", ((24.0, 12.0, 12.0), (62.0, 44.0, 8.0)))]])
    below = grid[HEAD + SIDE + GAP + 10 : HEAD + SIDE + GAP + SIDE // 4 - 10, GAP : GAP + SIDE]
    assert (below[:, 20:100] == (0, 255, 0)).all()
    assert (below[:, 150:230] == (0, 0, 255)).all()
    top = HEAD + 9 * 4  # the frame's upper edge: 12 - 12 / 4 at four times the size
    assert tuple(grid[top, GAP + 24 * 4].tolist()) == INSET_COLOURS[0]
    assert grid.shape[0] == HEAD + GAP + SIDE + SIDE // 4 + GAP + HEAD + GAP


def test_a_comparison_has_the_blurred_face_each_method_and_the_sharp_face(small_set):
    faces = figures.choose_faces(small_set, ["002"], 1)
    black = Method("black", "a test", lambda _, blurred: np.zeros_like(blurred))
    grid = figures.draw_comparison([black], faces)
    assert grid.shape[1] == 3 * (SIDE + GAP) + GAP
    assert grid[HEAD + 5 : HEAD + 40, GAP + SIDE + GAP + 5 : GAP + 2 * SIDE].max() == 0
    corner = np.asarray(Image.fromarray(faces[0].sharp).resize((SIDE, SIDE), Image.Resampling.BICUBIC))[:20, :20]
    left = GAP + 2 * (SIDE + GAP)
    assert np.array_equal(grid[HEAD : HEAD + 20, left : left + 20], corner)


def test_faces_are_chosen_by_name_or_spread_over_the_test_set(small_set):
    assert [face.name for face in figures.choose_faces(small_set, [], 2)] == ["000", "002"]
    assert [face.name for face in figures.choose_faces(small_set, [], 9)] == ["000", "001", "002", "003"]
    assert [face.name for face in figures.choose_faces(small_set, ["003", "001"], 9)] == ["003", "001"]
    with pytest.raises(ConfigError, match="has no face 'x'"):
        figures.choose_faces(small_set, ["x"], 1)


def test_the_region_masks_are_white_where_the_labels_say(small_set, weights):
    face = small_set.read(0)
    grid = figures.draw_regions([face], weights / "bisenet-small.safetensors", device="cpu")
    for column, name in enumerate(REGION_TITLES, start=1):
        left = GAP + column * (SIDE + GAP)
        mask = grid[HEAD : HEAD + SIDE : 4, left : left + SIDE : 4, 0] == 255
        assert np.array_equal(mask, np.isin(face.labels, REGIONS[name]))


def test_parsing_before_and_after_takes_the_parser_of_a_deblurring_network_too(small_set, weights):
    faces = [small_set.read(0)]
    before, after = weights / "bisenet-small.safetensors", weights / "snadnet-small.safetensors"
    grid = figures.draw_parsing(faces, before, after, device="cpu")
    assert grid.shape[1] == 5 * (SIDE + GAP) + GAP
    with torch.inference_mode():
        blurred = torch.from_numpy(faces[0].blurred.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        classes = read_model(after).core.parser(blurred).argmax(dim=1)[0].numpy()
    left = GAP + 2 * (SIDE + GAP)
    assert np.array_equal(grid[HEAD : HEAD + SIDE : 4, left : left + SIDE : 4], colour_classes(classes))


def test_a_restoration_shows_the_parsing_that_the_network_takes(small_set, tiny_network, build_network, tmp_path):
    faces = [small_set.read(0)]
    grid = figures.draw_restoration(faces, tiny_network, device="cpu")
    assert grid.shape[1] == 4 * (SIDE + GAP) + GAP
    # The tiny network calls everything skin, and brightens by 0.1.
    left = GAP + SIDE + GAP
    assert (grid[HEAD : HEAD + SIDE, left : left + SIDE] == CLASS_COLOURS[1]).all()
    other = build_network(tmp_path / "other.onnx", parses=False)
    with pytest.raises(ModelError, match=r"other\.onnx: parses no faces"):
        figures.draw_restoration(faces, other, device="cpu")


def test_every_class_has_its_own_colour():
    assert len(set(CLASS_COLOURS)) == NUM_CLASSES
    assert colour_classes(np.array([[1, 255]])).tolist() == [[[236, 188, 150], [128, 128, 128]]]


def test_insets_are_at_the_detected_eyes_and_mouth_or_else_at_the_template(portrait):
    eyes, mouth = eyes_and_mouth(portrait, FaceDetector())
    assert abs(eyes[0] - mouth[0]) < 20
    assert 90 < eyes[1] < mouth[1] < 160
    eyes, mouth = eyes_and_mouth(np.zeros((128, 128, 3), np.uint8), FaceDetector())
    assert eyes[:2] == pytest.approx(tuple(TEMPLATE[:2].mean(axis=0) * 128 / CROP_SIZE))
    assert mouth[:2] == pytest.approx(tuple(TEMPLATE[3:].mean(axis=0) * 128 / CROP_SIZE))


def test_files_are_png_jpeg_or_pdf(tmp_path):
    grid = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    write_grid(grid, tmp_path / "a.PNG")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.PNG")), grid)
    write_grid(grid, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
    write_grid(grid, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (50, 40))
    with pytest.raises(ConfigError, match=r"end the name with .png or .jpg or .pdf"):
        write_grid(grid, tmp_path / "a.svg")


def test_the_commands_draw_all(small_set, weights, tiny_network, tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.fromarray(small_set.read(0).sharp).resize((256, 256)).save(folder / "a.png")
    parser = weights / "bisenet-small.safetensors"
    for arguments in (
        ["comparison", tiny_network],
        ["regions", "--parser", parser],
        ["parsing", "--before", parser, "--after", parser],
        ["restoration", tiny_network],
    ):
        output = tmp_path / f"{arguments[0]}.pdf"
        command = ["figure", *arguments, "--on", f"celeba:{folder}", "-o", output]
        result = CliRunner().invoke(app, [*map(str, command)], catch_exceptions=False)
        assert result.exit_code == 0
        assert output.is_file()
    again = CliRunner().invoke(app, [*map(str, command)])
    assert isinstance(again.exception, OutputExistsError)
