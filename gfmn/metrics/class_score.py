"""An Inception-style score: of the Inception Score's form, for any classifier."""

import torch
from torch import Tensor


def class_score(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """exp(E KL(p(y|x) || p(y))) of N x K logits: mean and deviation over `splits` parts.

    The form of Salimans et al. 2016; the Inception Score itself only where the logits are
    Inception's. The deviation is the population one, as is the custom.
    """
    scores = []
    for part in logits.double().log_softmax(1).tensor_split(splits):
        marginal = part.logsumexp(0) - torch.log(torch.tensor(len(part), dtype=torch.float64))
        divergence = (part.exp() * (part - marginal)).sum(1)
        scores.append(divergence.mean().exp())
    stacked = torch.stack(scores)
    return float(stacked.mean()), float(stacked.std(correction=0))
