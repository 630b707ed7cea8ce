"""Muon: every update of a matrix turns all directions by the same amount.

Adam's updates of a matrix are mostly of low rank: few directions get nearly all of the
step, and the others learn slowly. Muon takes the momentum of the gradient and makes its
singular values alike, so that rare directions are learned as fast as frequent ones.

Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024
(kellerjordan.github.io/posts/muon); Liu et al., "Muon is Scalable for LLM Training",
arXiv 2502.16982, 2025, section 2.2 (steps as large as those of AdamW, so that learning
rate and weight decay are those of AdamW, too).
"""

import math

from zhasr.backend import keras

COEFFICIENTS = 3.4445, -4.7750, 2.0315  # Jordan et al.: steep at 0, so few steps do
STEPS = 5
MOMENTUM = 0.95
SCALE = 0.2  # of an update's root mean square, as AdamW's is in practice (Liu et al.)
ENDS = frozenset({"stem", "logits"})  # layers left to AdamW, as Jordan et al. do


class Muon(keras.optimizers.AdamW):
    """AdamW, but for the matrices between the first and the last layer.

    Each tap of a convolution is a matrix of its own. Arguments: those of AdamW.
    """

    def build(self, variables):
        """Make room for the momentum of the matrices."""
        if self.built:
            return
        super().build(variables)
        self.running = [
            self.add_variable_from_reference(variable, name="running")
            if is_hidden(variable)
            else None
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        ops, running = keras.ops, self.running[self._get_variable_index(variable)]
        if running is None:
            super().update_step(gradient, variable, learning_rate)
            return
        gradient = ops.cast(gradient, variable.dtype)
        momentum = gradient + MOMENTUM * running
        self.assign(running, momentum)
        turned = orthogonalise(gradient + MOMENTUM * momentum)  # Nesterov's
        scale = SCALE * math.sqrt(max(variable.shape[-2:]))
        self.assign_sub(
            variable, ops.cast(learning_rate, variable.dtype) * scale * turned
        )


def is_hidden(variable):
    """Whether it is a kernel of a layer that is neither the first nor the last: bool.

    Args:
        variable: keras.Variable.
    """
    return len(variable.shape) >= 2 and not ENDS.intersection(variable.path.split("/"))


def orthogonalise(matrices, steps=STEPS):
    """Bring all singular values near 1, by Newton and Schulz' iteration.

    Args:
        matrices: float tensor (..., rows, columns), of the backend.
        steps: int.

    Returns:
        Tensor alike: for U S Vᵀ about U Vᵀ, singular values between about 0.7 and 1.2
        where they were not tiny.
    """
    ops = keras.ops
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = ops.swapaxes(matrices, -1, -2) if tall else matrices
    norm = ops.sqrt(ops.sum(ops.square(wide), axis=(-2, -1), keepdims=True))
    wide = wide / (norm + 1e-7)
    first, third, fifth = COEFFICIENTS
    for _ in range(steps):
        square = ops.matmul(wide, ops.swapaxes(wide, -1, -2))
        polynomial = third * square + fifth * ops.matmul(square, square)
        wide = first * wide + ops.matmul(polynomial, wide)
    return ops.swapaxes(wide, -1, -2) if tall else wide
