"""The forward pass of one image in the forms it could take, each against planes (NCHW).

    python benchmarks/forward.py --compile

How far a form is from the planes' features is in its row: what is kept must not change numbers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from measure import best, row, threads

LAYERS = (2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--compile", action="store_true", help="torch.compile too: a compiler")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=8)
    args = parser.parse_args()
    threads(args.threads)

    import torch

    from medad.backbones.resnet import build
    from medad.backbones.spec import TrunkSpec

    torch.set_num_threads(args.threads)
    trunk = build(TrunkSpec(name="resnet18", depth=3), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    planes = torch.rand(1, 3, args.side, args.side, generator=generator)
    last = planes.to(memory_format=torch.channels_last)

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk

        def forward(self, x: Any) -> tuple[Any, ...]:
            return tuple(self.trunk(x, LAYERS).values())

    module = Maps().eval()

    def half() -> tuple[Any, ...]:
        with torch.autocast("cpu", torch.bfloat16):
            return tuple(output.float() for output in module(last))

    with torch.no_grad():
        expected = module(planes)
        slow = best({"planes": lambda: module(planes)}, args.repeats)["planes"]
        trunk.to(memory_format=torch.channels_last)
        forms: dict[str, Callable[[], Any]] = {
            "channels last": lambda: module(last),
            "bfloat16": half,
        }
        traced = torch.jit.freeze(torch.jit.trace(module, last))
        fused = torch.jit.optimize_for_inference(traced)
        forms["traced, frozen and fused"] = lambda: fused(last)
        if args.compile:
            compiled = torch.compile(module)
            forms["torch.compile"] = lambda: compiled(last)
        for name, form in forms.items():
            begun = time.perf_counter()
            found = form(), form(), form()  # the first calls prepare
            start = time.perf_counter() - begun
            scale = max(float(a.abs().max()) for a in expected)
            off = max(float((a - b).abs().max()) for a, b in zip(found[-1], expected, strict=True))
            seconds = best({name: form}, args.repeats)[name]
            setting = f"forward of one image at {args.side} px, {args.threads} threads: {name}, "
            setting += f"{off / scale:.0e} off, first three calls {start:.1f} s"
            row("features", setting, seconds, "planes", slow, "-")


if __name__ == "__main__":
    main()
