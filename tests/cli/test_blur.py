"""``snadnet blur``: what it writes, what it refuses."""

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from snadnet.blur import add_noise, apply_kernel, kernel_to_image, linear_kernel, rotating_blur, trajectory_kernel
from snadnet.cli.blur import blur
from snadnet.errors import OutputExistsError, PhotoError
from snadnet.photo import photo_from_array, read_photo, write_photo
from snadnet.srgb import decode_srgb, encode_srgb

app = typer.Typer()
app.command()(blur)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path, pixels):
    path = tmp_path / "in.png"
    write_photo(photo_from_array(pixels), path)
    return path


def test_a_linear_kernel(photo, pixels, tmp_path):
    output = tmp_path / "out.png"
    result = run(photo, "-o", output, "--kernel", "linear", "--length", 9, "--angle", 30, "--border", "replicate")
    assert result.exit_code == 0, result.output
    expected = apply_kernel(pixels.astype(np.float32) / 255, linear_kernel(9, 30), border="replicate")
    np.testing.assert_array_equal(read_photo(output).pixels, np.rint(expected.clip(0, 1) * 255))
    assert "linear kernel" in result.output


def test_a_trajectory_with_noise_and_the_kernel_s_picture(photo, pixels, tmp_path):
    output, picture = tmp_path / "out.png", tmp_path / "kernel.png"
    result = run(
        photo,
        "-o",
        output,
        "--size",
        15,
        "--exposure",
        0.5,
        "--seed",
        4,
        "--noise",
        0.03,
        "--save-kernel",
        picture,
    )
    assert result.exit_code == 0, result.output
    kernel = trajectory_kernel(15, exposure=0.5, seed=4)
    expected = add_noise(apply_kernel(pixels.astype(np.float32) / 255, kernel), 0.03, 4)
    np.testing.assert_array_equal(read_photo(output).pixels, np.rint(expected * 255))
    saved = read_photo(picture)
    assert saved.grey
    assert saved.pixels.shape == (270, 270, 3)
    np.testing.assert_array_equal(saved.pixels[9::18, 9::18, 0], kernel_to_image(kernel))


def test_a_rotating_camera(photo, pixels, tmp_path):
    output = tmp_path / "out.png"
    result = run(photo, "-o", output, "--size", 9, "--rotation", 6, "--seed", 2, "--exposure", 0.8)
    assert result.exit_code == 0, result.output
    expected = rotating_blur(pixels.astype(np.float32) / 255, 9, max_rotation_degrees=6, exposure=0.8, seed=2)
    np.testing.assert_array_equal(read_photo(output).pixels, np.rint(expected.clip(0, 1) * 255))
    assert "turned by up to 6 degrees" in result.output
    linear = run(photo, "-o", tmp_path / "line.png", "--kernel", "linear", "--rotation", 6)
    assert linear.exit_code == 2
    assert "--rotation" in linear.output


@pytest.mark.parametrize(
    "motion", [("--kernel", "linear", "--length", 9, "--angle", 30), ("--size", 9, "--rotation", 3)]
)
def test_light_is_blurred_where_it_is_asked_for(photo, pixels, motion, tmp_path):
    output = tmp_path / "out.png"
    result = run(photo, "-o", output, *motion, "--linear-light")
    assert result.exit_code == 0, result.output
    light = decode_srgb(pixels.astype(np.float32) / 255)
    blurred = rotating_blur(light, 9, max_rotation_degrees=3, seed=0)
    if motion[0] == "--kernel":
        blurred = apply_kernel(light, linear_kernel(9, 30))
    np.testing.assert_array_equal(read_photo(output).pixels, np.rint(encode_srgb(blurred).clip(0, 1) * 255))
    # The mean of black and white light is bright, as values are not in proportion to light.
    assert read_photo(output).pixels.mean() > pixels.mean() + 10


def test_an_existing_output_is_kept_unless_told(photo, tmp_path):
    output = tmp_path / "out.png"
    output.write_bytes(b"precious")
    refused = run(photo, "-o", output)
    assert isinstance(refused.exception, OutputExistsError)
    assert output.read_bytes() == b"precious"
    assert run(photo, "-o", output, "--overwrite").exit_code == 0
    assert read_photo(output).pixels.shape == (40, 50, 3)


def test_an_existing_kernel_picture_stops_the_command_before_the_photo(photo, tmp_path):
    picture = tmp_path / "kernel.png"
    picture.write_bytes(b"precious")
    result = run(photo, "-o", tmp_path / "out.png", "--save-kernel", picture)
    assert isinstance(result.exception, OutputExistsError)
    assert picture.read_bytes() == b"precious"
    assert not (tmp_path / "out.png").exists()


def test_a_missing_photo_is_one_clear_error(tmp_path):
    result = run(tmp_path / "none.png", "-o", tmp_path / "out.png")
    assert isinstance(result.exception, PhotoError)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("--size", "12"),
        ("--size", "-1"),
        ("--size", "1003"),
        ("--length", "0.5"),
        ("--length", "nan"),
        ("--angle", "inf"),
        ("--exposure", "0"),
        ("--exposure", "1.5"),
        ("--exposure", "nan"),
        ("--rotation", "-1"),
        ("--rotation", "nan"),
        ("--noise", "-0.1"),
        ("--noise", "nan"),
        ("--seed", "-1"),
        ("--kernel", "round"),
        ("--border", "wrap"),
    ],
)
def test_wrong_options_are_usage_errors(photo, tmp_path, wrong):
    result = run(photo, "-o", tmp_path / "out.png", *wrong)
    assert result.exit_code == 2
    assert wrong[0] in result.output
    assert not (tmp_path / "out.png").exists()


def test_two_outputs_need_two_names(photo, tmp_path):
    output = tmp_path / "out.png"
    result = run(photo, "-o", output, "--save-kernel", output, "--overwrite")
    assert result.exit_code == 2
    assert not output.exists()


def test_the_input_is_never_replaced(photo):
    before = photo.read_bytes()
    link = photo.with_name("link.png")
    link.symlink_to(photo)
    for arguments in (("-o", photo), ("-o", link), ("-o", photo.with_name("out.png"), "--save-kernel", photo)):
        assert run(photo, *arguments, "--overwrite").exit_code == 2
    assert photo.read_bytes() == before


def test_limits_are_options(photo, tmp_path):
    for option in ("--max-pixels", "--max-file-size"):
        result = run(photo, "-o", tmp_path / "out.png", option, 0.0001)
        assert isinstance(result.exception, PhotoError)
        assert "more than the limit" in str(result.exception)


def test_help_explains_every_option():
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    for option in (
        "--kernel",
        "--length",
        "--angle",
        "--size",
        "--exposure",
        "--seed",
        "--noise",
        "--border",
    ):
        assert option in result.output
