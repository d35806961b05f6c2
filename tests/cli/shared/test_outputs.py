"""Output files are checked before the work."""

from pathlib import Path

import pytest
import typer

from snadnet.batch.storage import refuse_existing
from snadnet.cli.shared.outputs import check_outputs
from snadnet.errors import OutputExistsError


def test_only_endings_that_can_be_written_are_taken(tmp_path):
    check_outputs([tmp_path / "a.TXT"], [".txt", ".md"], overwrite=False)
    with pytest.raises(typer.BadParameter, match=r"a\.gif: end the name with one of \.txt, \.md"):
        check_outputs([tmp_path / "a.txt", tmp_path / "a.gif"], [".txt", ".md"], overwrite=True)


def test_what_is_there_is_replaced_only_when_asked(tmp_path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("a.txt", "dangling"):
        path = Path(tmp_path, name)
        refuse_existing([path], overwrite=True)
        with pytest.raises(OutputExistsError, match=f"{name}: exists already; .* --overwrite"):
            refuse_existing([tmp_path / "new", path], overwrite=False)
