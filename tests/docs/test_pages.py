"""The pages hang together: links, the reference, the words, and what a package index shows of them."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from support.docs_commands import PAGES, ROOT

SOURCES = sorted((ROOT / "src" / "snadnet").rglob("*.py"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_site_is_checked_strictly_and_fetches_nothing() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)
    assert config["validation"]["links"] == dict.fromkeys(
        ("not_found", "anchors", "absolute_links", "unrecognized_links"), "warn"
    )
    assert config["theme"]["font"] == "false"
    assert re.search(r"^lint:(\n|.)*?\bdocs\n", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "mkdocs build --strict" in (ROOT / "Makefile").read_text()


def test_every_public_package_has_its_reference() -> None:
    shown = {
        name
        for page in (ROOT / "docs" / "reference").glob("*.md")
        for name in re.findall(r"^::: (\S+)", page.read_text(), re.M)
    }
    packages = {path.parent.name for path in (ROOT / "src" / "snadnet").glob("*/__init__.py")}
    without = packages - {name.removeprefix("snadnet.") for name in shown}
    assert without <= {"cli", "weights", "cluster"}, f"no page in docs/reference for {without}"
    for name in shown:
        path = ROOT / "src" / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


def find_all(pattern: str, paths: list[Path]) -> dict[str, list[str]]:
    """Return the matches in each file that has any."""
    found = {path.relative_to(ROOT).as_posix(): re.findall(pattern, path.read_text()) for path in paths}
    return {name: hits for name, hits in found.items() if hits}


def test_docstrings_have_no_sphinx_roles() -> None:
    # Nothing renders them: a name is written in backticks.
    assert not find_all(r":(?:class|func|meth|mod|attr|data|exc|obj|ref|doc):`[^`]*`", SOURCES)


def test_no_reference_to_a_document_outside_the_repository() -> None:
    # The paper's section is meant, or docs/research/paper.md.
    assert not find_all(r"\bSPEC \d+\b|BASELINES\.md|DESIGN\.md", [*SOURCES, *PAGES])


def test_the_package_index_shows_no_relative_links() -> None:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"][
        "fancy-pypi-readme"
    ]
    text = (ROOT / "README.md").read_text()
    for substitution in hook["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    assert all(link.startswith("https://") for link in LINK.findall(CODE.sub("", text)))
    assert "Against NAFNet" in text
    assert "## Limits" in text


def test_the_licence_covers_code_and_weights() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT AND LicenseRef-snadnet-weights"
    texts = [(ROOT / name).read_text() for name in project["license-files"]]
    assert any("MIT License" in text for text in texts)
    assert any("non-commercial research and education only" in text for text in texts)
    assert project["urls"]["Paper"].endswith(re.search(r"arXiv:([\d.]+)", (ROOT / "CITATION.cff").read_text())[1])


def test_commit_hooks_are_programs_of_the_development_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    dev = " ".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"])
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
    assert "pre-commit-hooks" in dev


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    versions = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert len(versions) > 1
