"""How far a squared distance from a float32 matrix product can be from the true one.

``|x|^2 + |y|^2 - 2 x.y`` in float32 is fast, but its last bits depend on the library, the block
sizes and the number of threads. With a bound on its error it serves as a filter, and the few
pairs it cannot tell apart are decided by differences in float64: the result is then the same on
every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

LARGEST = 1e15  # squares of larger values, summed, could overflow float32
_UNIT = 2.0**-24
_Lengths = TypeVar("_Lengths", "NDArray[np.float64]", "Tensor")


def bound(lengths: _Lengths, longest: float, dimension: int) -> _Lengths:
    """Largest error of the float32 expansion, for points against others no longer than ``longest``.

    ``lengths``: Euclidean lengths of the centred points, a float64 array or tensor of any shape;
    the result has the same shape and the unit of a squared distance. Holds for any order of
    summation, with or without fused multiply-add (Higham, Accuracy and Stability of Numerical
    Algorithms, section 3.1): the sum of ``dimension + 1`` products (`medad.neighbors.product`) is
    off by at most ``(dimension + 1) * unit * (2 |x||y| + |y|^2)``, and rounding norms and centred
    coordinates by less than ``7 * unit * (|x| + |y|)^2``. The last term covers underflow.
    """
    relative = 1.02 * (dimension + 8) * _UNIT
    return relative * (lengths + longest) ** 2 + dimension * 2.0**-120
