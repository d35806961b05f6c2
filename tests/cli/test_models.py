"""``snadnet models``."""

from typer.testing import CliRunner

from snadnet.cli.app import app
from snadnet.models import list_models


def test_lists_every_model_with_its_own_figures() -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line.strip()}
    assert set(list_models()) <= set(rows)
    assert rows["deblurganv2-inception"] == ["35.840", "M", "17.52", "32n,", "from", "128", "import"]
    assert rows["snadnet-small"] == ["6.210", "M", "5.14", "32n", "released"]
    assert rows["bisenet-small"][-1] == "released"
    assert rows["snadnet-small-large"][-1] == "released"
    assert rows["snadnet-base"][-1] == "-"
    assert "Orders-of-Magnitude) Faster and Better (2019)" in " ".join(result.output.split())
    assert result.output.count("licence of the original: BSD-style") == 2
