import pytest
import torch

_GENTLE = {
    "epochs": 2,
    "steps_per_epoch": 1,
    "healthy": 2,
    "anomalous": 2,
    "learning_rate": 1e-3,
    "trainable": "all",
    "activation": "leaky_relu",
    "slope": 0.01,
    "attention": "stage",
    "placement": "post_add",
    "attention_init": "ordinary",
    "layers": [1, 2, 3],
    "grid": 2,
    "pool": 3,
    "normalise": False,
    "distance": "aligned",
    "squared": True,
    "distance_scale": "none",
    "push": "mask",
    "coverage": 0.3,
    "pull_background": False,
    "contrast": "tritanh",
    "tritanh": {"pull": 1.0, "push": 0.5, "m0": 0.0, "m1": 0.0},
    "anchor": {"pull": 1.0, "push": 1.0, "margin": 1.0},
    "similarity": "l2",
    "similarity_weight": 0.01,
    "koleo": "norm",
    "koleo_on": "pooled",
    "koleo_weight": 0.01,
    "interpolate": 1.0,
    "precision": "float32",
}


@pytest.fixture(scope="session")
def gentle_params():
    """Plain parameters of CONSULT's stage 1, short and small; not to be changed in place."""
    return _GENTLE


@pytest.fixture
def gentle():
    """The same, to be changed."""
    return dict(_GENTLE)


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
