"""What a card must say against its own numbers."""

from collections.abc import Iterator

from gfmn.inference.described import Described, ScoredSpace
from gfmn.inference.words import counted, number
from gfmn.reporting.formatting import join
from gfmn.reporting.score_means import score_means

AGAINST = "Numbers in two spaces, of two counts of images or of two resizers do not compare."


def limits(of: Described) -> Iterator[str]:
    """Sentences, each for one point of a list; every one follows from what was recorded."""
    yield from _names(of)
    yield from _trainings(of)
    for space in of.spaces:
        yield from _beside_real(space)
    for space in of.spaces:
        if space.trained_on:
            name = space.scores.evaluator
            yield (
                f"The run was trained on features of the network that scores it as `{name}`, so "
                "scores in that space flatter it."
            )
        if space.scores.sampling.batchnorm == "batch":
            yield (
                f"Scores in `{space.scores.evaluator}` are of samples whose batch norm took each "
                "batch's own statistics. `sample` has that as an option, off by default; "
                "interpolations and the ONNX file take the running statistics."
            )
        if space.scores.in_domain:
            yield (
                f"`{space.scores.evaluator}` is a classifier that was trained in this study on the "
                "classes of the data: it has seen the images that samples are compared with."
            )
    yield from _copies(of)
    yield (
        f"It makes images such as those of `{of.dataset_name}` and no others, without a way to ask "
        "for one in particular. What the data show too often or not at all has not been examined."
    )
    published = [n.name for n in of.extractor if not n.provenance.get("trained_on")]
    if published:
        yield (
            f"The features of {join(published)} were learned elsewhere, on other images: what they "
            "look at and overlook has shaped these."
        )
    if of.dataset.get("skipped", {}).get("count"):
        count = of.dataset["skipped"]["count"]
        yield f"{counted(count, 'picture')} of the source could not be read and was left out."
    low = [name for name, kind in of.model.precision.items() if kind == "bf16"]
    if low:
        yield (
            f"During training {join(low)} computed in bf16; on another machine the same parameters "
            "may give another generator."
        )


def _names(of: Described) -> Iterator[str]:
    """Where the scores stand among the names that readers know."""
    if not of.spaces:
        yield "It was not scored, so nothing is known of its quality."
        return
    others = [s.scores.evaluator for s in of.spaces if not s.scores.canonical]
    if len(others) < len(of.spaces):
        yield (
            "FID, IS and KID are taken in FID's own Inception, and compare with published ones as "
            "far as data set, number of images and resizer agree."
        )
    if others:
        inception = "the Inception of FID" if len(others) == 1 else "FID's Inception"
        yield (
            f"Scores in the space of {join(f'`{name}`' for name in others)} are not taken in "
            f"{inception}: none of them is an FID, an Inception Score or a KID. {AGAINST}"
        )


def _trainings(of: Described) -> Iterator[str]:
    if not of.spaces:
        return
    scored = [len(space.scores.seeds) for space in of.spaces]
    if any(space.others for space in of.spaces):
        yield "Scores are of this one training; the means over all seeds stand beside them."
    elif max(scored) == 1:
        yield (
            "Scores are of one training: how far another seed would differ is not known. A ± is "
            "over splits or subsets of the same samples, not over trainings."
        )
    else:
        yield (
            "A ± over seeds is the standard deviation between trainings, n - 1 in its denominator."
        )
    missing = len(of.seeds) - min(scored)
    if missing > 0:
        yield f"{counted(missing, 'trained seed')} of the run has not been scored in every space."


def _beside_real(space: ScoredSpace) -> Iterator[str]:
    """Precision and recall as shares beside those of real images."""
    own, real = score_means(space.scores), score_means(space.real) if space.real else {}
    name = space.scores.evaluator
    for kind, what in (
        ("precision", "of the samples lie where real images do"),
        ("recall", "of the real images lie where samples do"),
    ):
        key = next((key for key, one in own.items() if one.info.kind == kind), None)
        if key:
            beside = f"; other real images: {real[key].value:.2%}" if key in real else ""
            yield f"In `{name}`, {own[key].value:.2%} {what} (`{key}`{beside})."


def _copies(of: Described) -> Iterator[str]:
    """What is known of samples that are training images."""
    every = (item for space in of.spaces for item in score_means(space.scores).items())
    found = {key: one.value for key, one in every if one.info.kind == "memorised"}
    if found:
        numbers = join(f"`{key}` {number(value)}" for key, value in found.items())
        yield (
            "Probability that a sample lies nearer to a training image than a real image that is "
            f"none does: {numbers}. 0.5 is what real images have; near 1 samples are copies, near "
            "0 they lie farther from every training image than real images do, which is no merit."
        )
