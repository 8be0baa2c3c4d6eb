"""Feature extraction, decoding and resizing included, against the bare forward pass.

    python benchmarks/features.py --images 48 --side 256

Images are generated slices in PNG files; ``--folder`` takes real ones.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

from measure import best, row, threads


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--folder", type=Path, help="of images to take instead")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    threads(args.threads)

    import torch
    from PIL import Image

    from medad.backbones.feature_cache import extract
    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec
    from medad.data.frame import Frame
    from medad.data.phantom import healthy_image

    torch.set_num_threads(args.threads)
    trunk = build(TrunkSpec(name=args.backbone), torch.Generator().manual_seed(0)).eval()
    with tempfile.TemporaryDirectory() as place:
        root = args.folder or Path(place)
        if args.folder is None:
            for number in range(args.images):
                Image.fromarray(healthy_image(0, number, args.side)).save(root / f"{number}.png")
        names = sorted(p.name for p in root.iterdir() if p.is_file())[: args.images]
        images = [(n, hashlib.sha256((root / n).read_bytes()).hexdigest()) for n in names]
        x = torch.rand(1, 3, args.side, args.side).to(memory_format=torch.channels_last)
        trunk.to(memory_format=torch.channels_last)

        @torch.no_grad()
        def bare() -> None:
            for _ in images:
                trunk(x, (2, 3))

        seconds = best(
            {
                "extract": lambda: extract(trunk, root, images, Frame(args.side), (2, 3), "cpu"),
                "bare": bare,
            },
            args.repeats,
        )
    setting = f"{args.backbone}, {len(images)} images at {args.side} px, {args.threads} threads"
    row("features", setting, seconds["extract"], "the bare forward", seconds["bare"], "0.9")


if __name__ == "__main__":
    main()
