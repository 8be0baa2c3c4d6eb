import subprocess
import sys
from dataclasses import asdict

import pytest

from medad.backbones.spec import TrunkSpec
from medad.errors import MedadError


def test_survives_its_own_metadata():
    spec = TrunkSpec("resnet50", activation="leaky_relu", attention="block", depth=4)
    assert TrunkSpec.parse(asdict(spec)) == spec


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "resnet19"), ("activation", "gelu"), ("attention", "all"), ("depth", 5)],
)
def test_refuses_what_does_not_exist(field, value):
    fields = {"name": "resnet18", field: value}
    with pytest.raises(MedadError, match=f"trunk {field}: got .*{value}.*allowed"):
        TrunkSpec(**fields)


def test_refuses_unknown_metadata():
    with pytest.raises(MedadError, match="not the description of a trunk"):
        TrunkSpec.parse({"name": "resnet18", "width": 3})


def test_the_configuration_may_import_it_without_torch():
    code = (
        "import sys; import medad.backbones.spec, medad.backbones.published;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
