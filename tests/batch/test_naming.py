"""Where each result goes, and what is refused before any work."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from snadnet.batch.inputs import Source
from snadnet.batch.naming import Layout, checked_template, plan
from snadnet.errors import UsageError
from snadnet.photo import SUFFIXES, read_photo
from support.cli_fakes import fake_deblurrer, files, photo, photo_lines, run, usage_words  # noqa: F401


def test_photos_to_a_folder_that_is_made():
    photo("a.png")
    photo("in/b.PNG", format="PNG")
    result = run("a.png", "in/b.PNG", "-o", "x/y")
    assert result.exit_code == 0
    assert photo_lines(result) == [
        "a.png: 1 face: 1 restored -> x/y/a.png",
        "in/b.PNG: 1 face: 1 restored -> x/y/b.PNG",
    ]
    assert files("x/y") == ["a.png", "b.PNG"]


def test_lines_are_whole_however_long_the_names():
    folder = "a folder with a rather long name [red] and spaces " * 3
    photo(f"{folder}/a.png")
    result = run(folder, "-o", "o")
    assert result.stdout == f"{folder}/a.png: 1 face: 1 restored -> o/a.png\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{stem}_deblurred{suffix}", "a_deblurred.PNG"),
        ("{parent}-{stem}{suffix}", "in-a.PNG"),
        ("{stem}.jpg", "a.jpg"),
        ("{{{stem}}}{suffix}", "{a}.PNG"),
    ],
)
def test_a_template_names_the_results(template, expected):
    photo("in/a.PNG", format="PNG")
    result = run("in", "-o", "o", "--name", template, "--compare")
    assert result.exit_code == 0
    assert files("o") == sorted([expected, f"{Path(expected).stem}_compare.png"])
    assert read_photo(f"o/{expected}").format == SUFFIXES[Path(expected).suffix.lower()]


@pytest.mark.parametrize(
    "template",
    [
        "../{stem}{suffix}",
        "{stem}/{suffix}",
        "a\\{stem}{suffix}",
        "/{stem}{suffix}",
        "{stem}\n{suffix}",
        "{stem}\0{suffix}",
        "{stem}",
        "{stem}.gif",
        "..",
        "",
        "{stem.__class__}{suffix}",
        "{stem!r}{suffix}",
        "{stem:>99999999}{suffix}",
        "{stem:{suffix}}.png",
        "{0}{suffix}",
        "{}{suffix}",
        "{other}{suffix}",
        "{stem{suffix}",
        "{stem}}{suffix}",
    ],
)
def test_a_template_that_makes_no_plain_photo_name_is_refused(fake, template):
    photo("a.png")
    result = run("a.png", "-o", "o", "--name", template)
    assert (result.exit_code, fake.made) == (2, [])
    assert "--name" in usage_words(result)


@given(st.text(max_size=30))
@example("{stem}{suffix}/../x{suffix}")
def test_no_template_leads_out_of_the_folder(text):
    try:
        template = checked_template(text)
    except UsageError:
        return
    for name in ("a.png", "..png", "b", "../x/c.jpg"):
        jobs, _ = plan([Source(Path(name))], Layout(out=Path("o"), template=template))
        assert jobs[0].target.parent == Path("o")
        assert jobs[0].target.name not in {"", ".", ".."}


def test_results_beside_their_sources_are_no_inputs_of_the_next_run():
    photo("in/a.png")
    photo("in/b.png")
    command = ("in", "-o", "in", "--name", "{stem}_deblurred{suffix}")
    assert run(*command).exit_code == 0
    photo("in/c.png")
    result = run(*command, "--skip-existing")
    assert (result.exit_code, len(photo_lines(result))) == (0, 3)
    assert result.stderr == (
        "2 photos left out that would be results of others, such as in/a_deblurred.png; name them to do them\n"
    )
    assert files("in") == [f"{name}{end}.png" for name in "abc" for end in ("", "_deblurred")]
    # With --overwrite one of them might be a photo of the user's own, lost for good.
    assert run(*command, "--overwrite").exit_code == 2


def test_a_link_in_the_output_folder_leads_no_result_out_of_it(fake):
    photo("in/sub/a.png")
    Path("o").mkdir()
    Path("elsewhere").mkdir()
    Path("o/sub").symlink_to(Path("elsewhere").absolute())
    result = run("in", "-r", "-o", "o")
    assert result.exit_code == 2
    assert "o/sub leads out of o" in usage_words(result)
    assert (files("elsewhere"), fake.made) == ([], [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.png", "-o", "a.png"),
        ("a.png", "-o", "."),
        ("in", "-o", "in"),
        ("in/c.png", "-o", "link"),
        # The comparison of one would be another.
        ("in", "in/c.png", "a.png", "-o", "out/../in", "--compare"),
        ("b.png", "-o", "b_link.png"),
        ("a.png", "-o", "o", "--json", "a.png"),
        ("in", "-o", "o", "--jsonl", "link/c.png"),
    ],
)
def test_an_input_is_never_an_output_even_with_overwrite(fake, arguments):
    for name in ("a.png", "b.png", "in/c.png"):
        photo(name)
    Path("link").symlink_to("in")
    Path("b_link.png").symlink_to("b.png")
    before = {name: Path(name).read_bytes() for name in files()}
    result = run(*arguments, "--overwrite")
    assert result.exit_code == 2
    assert "itself; choose another place" in usage_words(result)
    assert {name: Path(name).read_bytes() for name in files()} == before
    assert fake.made == []


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("1/a.png", "2/a.png"), ()),
        (("in/a.png", "in/a.jpg"), ("--name", "{stem}.png")),
        (("in/a.png", "in/a.jpg"), ("--name", "{stem}_deblurred.tif")),
        (("1/a.png", "2/a.jpg"), ("--compare",)),
        (("1/a.png", "2/a.jpg"), ("--draw-boxes",)),
        (("1/a.png", "2/a.jpg"), ("--save-faces", "f")),
        (("1/a.png", "2/a.jpg"), ("--save-kernels", "k")),
        (("1/a.png", "2/a_compare.png"), ("--compare",)),
        (("1/a.dat", "2/a.dat.png"), ()),
        (("1/a.png", "1/b.png"), ("--name", "same.png")),
    ],
)
def test_two_inputs_with_one_output_are_refused_before_any_work(fake, names, options):
    for name in names:
        photo(name, format="PNG")
    result = run(*names, "-o", "o", *options, "--overwrite")
    assert result.exit_code == 2
    assert "would both be written to" in usage_words(result)
    assert fake.made == []
    assert not Path("o").exists()


@pytest.mark.parametrize("names", [("a.png", "in/a_face1_before.png"), ("a.png", "a_face12_after.png")])
def test_a_face_s_picture_replaces_neither_an_input_nor_a_result(fake, names):
    for name in names:
        photo(name)
    result = run(*names, "-o", "o", "--save-faces", "o" if "in" not in names[1] else "in", "--overwrite")
    assert result.exit_code == 2
    assert "name of a face's image" in usage_words(result).replace(" s ", "'s ")
    assert fake.made == []


@pytest.mark.parametrize(
    "reports", [("--json", "o/a.png"), ("--json", "r.json", "--jsonl", "./r.json"), ("--jsonl", "o/a_compare.png")]
)
def test_a_report_is_neither_a_result_nor_another_report(fake, reports):
    photo("a.png")
    result = run("a.png", "-o", "o", "--compare", *reports, "--overwrite")
    assert (result.exit_code, fake.made, files()) == (2, [], ["a.png"])
    assert "to be written twice" in usage_words(result)
