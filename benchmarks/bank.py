"""Write the patch features of all images in some folders to a .npy file, for ``coreset.py --bank``.

    python benchmarks/bank.py bank.npy data/raw/brain_mri/no data/raw/brain_mri/yes \
        --weights data/weights/resnet18_imagenet_layer1-3.safetensors

ResNet-18, layers 2 and 3 pooled by 3, as PatchCore has them; ``--turns 4`` adds the images turned
by quarters, for a bank four times as large.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, required=True, help="ResNet-18 safetensors")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--turns", type=int, default=1, choices=(1, 2, 3, 4))
    args = parser.parse_args()

    import numpy as np
    import torch

    from medad.backbones import pyramid
    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec
    from medad.data.decoding import decode
    from medad.data.images import square
    from medad.detectors.grid import positions, vectors
    from medad.files import read_safetensors

    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    tensors = read_safetensors(args.weights)[0]
    trunk.load_state_dict({name: tensors[name] for name in trunk.state_dict()})
    pyramid.place(trunk, "cpu")
    files = [path for folder in args.folders for path in sorted(folder.iterdir())]
    bank = None
    for number, path in enumerate(files):
        pixels = square(decode(path.read_bytes(), path.name).pixels, args.side)
        for turn in range(args.turns):
            turned = np.ascontiguousarray(np.rot90(pixels, turn))
            found = pyramid.embed(trunk, turned[None], (2, 3), "cpu")
            rows = vectors(next(positions(found, (2, 3), 3, "cpu"))).numpy()
            if bank is None:
                shape = (len(files) * args.turns * len(rows), rows.shape[1])
                bank = np.lib.format.open_memmap(args.target, "w+", np.float32, shape)
            begin = (number * args.turns + turn) * len(rows)
            bank[begin : begin + len(rows)] = rows
    print(args.target, None if bank is None else bank.shape)


if __name__ == "__main__":
    main()
