"""A training step of CONSULT's stage 1 against bare forward and backward of the same trunk.

python benchmarks/stage1.py --side 128 --epochs 50
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure import best, row, threads


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--method", default="consult_adapted", help="of params.yaml")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    threads(args.threads)

    import numpy as np
    import torch

    from medad.backbones.resnet import build, rebuild
    from medad.backbones.spec import TrunkSpec
    from medad.config.load import load
    from medad.data.phantom import healthy_image
    from medad.files import write_npz
    from medad.parameters import Parameters
    from medad.pretraining.consult import train
    from medad.pretraining.session import Session
    from medad.synthesis.pairs import build_pairs
    from medad.synthesis.parameters import ConsultSynthesis

    torch.set_num_threads(args.threads)
    root = Path.cwd()
    config = load(root, {"image": {"side": args.side}})
    parameters = Parameters(root, config)
    run = {"dataset": "phantom", "method": args.method, "synthesis": "consult"}
    params = {**parameters.of("stage1", run), "epochs": args.epochs}
    grey = np.stack([healthy_image(0, number, args.side) for number in range(4)])
    shots = np.repeat(grey[..., None], 3, axis=3)
    start = build(TrunkSpec(name=config.backbone.name), torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        chosen = ConsultSynthesis.of(parameters.of("pairs", run))
        pairs = build_pairs(shots, chosen, np.random.default_rng(0), lambda done, total: None)
        write_npz(folder / "pairs.npz", pairs.arrays())

        def ours() -> None:
            (folder / "partial").unlink(missing_ok=True)
            session = Session(
                attention_seed=0,
                batch_seed=0,
                events=folder / "events.jsonl",
                live=folder / "live.jsonl",
                partial=folder / "partial",
                fingerprint="benchmark",
                device="cpu",
                report=lambda done, total, text: None,
            )
            train(start, folder / "pairs.npz", params, session)

        spec = TrunkSpec(
            name=config.backbone.name,
            **{k: params[k] for k in ("activation", "slope", "attention", "placement")},
            attention_init=params["attention_init"],
        )
        trunk = rebuild(start, spec, torch.Generator().manual_seed(0))
        trunk.to(memory_format=torch.channels_last)
        images = 1 + params["healthy"] + params["anomalous"]
        x = torch.rand(images, 3, args.side, args.side).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(trunk.parameters(), fused=True)

        def bare() -> None:
            for _ in range(args.epochs):
                optimizer.zero_grad()
                sum(out.sum() for out in trunk(x, params["layers"]).values()).backward()
                optimizer.step()

        seconds = best({"step": ours, "bare": bare}, args.repeats)
    setting = f"{args.epochs} steps of {images} images at {args.side} px, {args.threads} threads"
    row("stage 1", setting, seconds["step"], "bare forward, backward", seconds["bare"], "0.85")


if __name__ == "__main__":
    main()
