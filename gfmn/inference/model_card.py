"""The model card of a run: Markdown behind YAML, of what its study recorded and nothing else."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gfmn.inference.described import Described, ScoredSpace, read_run
from gfmn.inference.front_matter import front_matter
from gfmn.inference.images import refuse, writing
from gfmn.inference.limits import limits
from gfmn.inference.words import number, of_seeds
from gfmn.networks.extractor_file import NetworkHeader
from gfmn.reporting.formatting import format_duration, join
from gfmn.reporting.score_means import score_means

HIGHER = {"lower": "lower is better", "higher": "higher is better", "half": "0.5 in real images"}


def write_card(
    out: Path,
    study: Path,
    run: str,
    seed: int | None = None,
    licence: str = "apache-2.0",
    overwrite: bool = False,
) -> list[Path]:
    """Write the card, and a grid of samples beside it where the study has one; return both paths.

    `seed`: of one training, else all that the run has. `licence`: the generator's, an SPDX
    identifier. Raises `InputError` as `gfmn.inference.described.read_run` does.
    """
    of = read_run(study, run, seed)
    samples = of.seeds[0].samples
    picture = out.with_name(f"{out.stem}-samples.png") if samples else None
    for path in filter(None, (out, picture)):
        refuse(path, overwrite)
    if picture and samples:
        with writing(picture, overwrite) as partial:
            shutil.copyfile(samples, partial)
    with writing(out, overwrite) as partial:
        text = model_card(of, licence, picture.name if picture else None)
        partial.write_text(text, encoding="utf-8")
    return [out, picture] if picture else [out]


def model_card(of: Described, licence: str = "apache-2.0", picture: str | None = None) -> str:
    """The card as text; `picture` is the name of a grid of samples beside it."""
    sections = (
        [f"# {title(of)}", *_opening(of, picture)],
        ["## Use", *_use(of)],
        ["## Training", *_training(of)],
        ["## Scores", *_scores(of)],
        ["## Limitations", *(f"- {line}" for line in limits(of))],
        ["## Licences and provenance", *_provenance(of, licence)],
    )
    body = "\n\n".join("\n".join(_spaced(lines)) for lines in sections)
    return f"---\n{front_matter(of, licence)}---\n\n{body}\n"


def title(of: Described) -> str:
    """The run, and which of its seeds where it has several."""
    if len(of.seeds) == 1 and len(of.run.seeds) > 1:
        return f"{of.run.name}, seed {of.seeds[0].seed}"
    return of.run.name


def _opening(of: Described, picture: str | None) -> Iterator[str]:
    parameters, size = of.model.parameters, of.model.statistics.get("image_size")
    images = f"{size} x {size} px images" if size else "images"
    networks = join(n.architecture for n in of.extractor) or str(parameters.get("extractor"))
    yield (
        f"A generator of {images}, trained on `{of.dataset_name}` without a discriminator: mean "
        f"and variance of {of.model.features:,} features of {networks} over its images were pulled "
        "to those over the data. The method is that of dos Santos, Mroueh, Padhi and Dognin, "
        "*Learning Implicit Generative Models by Matching Perceptual Features*, ICCV 2019."
    )
    if picture:
        which = f" of seed {of.seeds[0].seed}" if len(of.seeds) > 1 else ""
        yield f"![Samples]({picture})"
        yield f"*The first samples{which} from seeded noise, none left out.*"


def _use(of: Described) -> Iterator[str]:
    yield (
        "With `generator.safetensors` and `config.json` of this run in a folder, here `model`, "
        "and the package `gfmn`:"
    )
    yield (
        '```python\nfrom gfmn.inference import load\n\ngenerator = load("model")\n'
        "images = generator.sample(64, seed=0)  # 64 x S x S x 3 uint8\n```"
    )
    yield (
        "```sh\ngfmn sample model --count 64 --out images/\n"
        "gfmn interpolate model --out loop.gif\ngfmn export model generator.onnx\n```"
    )
    if digests := [f"seed {seed}: `{found}`" for seed, found in of.digests.items()]:
        yield f"sha256 of `generator.safetensors`, {'; '.join(digests)}."


def _training(of: Described) -> Iterator[str]:
    parameters, model = of.model.parameters, of.model
    taps = [tap.name for tap in model.taps]
    count, source = of.dataset.get("count"), of.dataset.get("source")
    steps, batch = parameters.get("steps"), parameters.get("batch")
    rows = {
        "data": f"`{of.dataset_name}`"
        + (f", {count:,} images, source `{source}`" if count else ""),
        "matched": f"{model.features:,} features of {len(taps)} taps, {taps[0]} to {taps[-1]}"
        if taps
        else f"{model.features:,} features",
        "extractor": f"`{parameters.get('extractor')}`, batch norm in mode "
        f"`{parameters.get('batchnorm', 'eval')}`",
        "generator": f"{parameters.get('generator')}, {model.generator_parameters:,} parameters, "
        f"z of {parameters.get('latent')} standard normal values",
        "objective": f"`{parameters.get('objective')}`, minibatch {batch}",
        "updates": f"{steps:,}, Adam at {parameters.get('lr')}" if steps else None,
        "precision": join(f"{name} {kind}" for name, kind in model.precision.items()),
        "seeds": join(str(result.seed) for result in of.seeds),
        "duration": format_duration(of.seconds) + (", all seeds" if len(of.seeds) > 1 else "")
        if of.seconds is not None
        else None,
    }
    yield _table(("", ""), [(key, value) for key, value in rows.items() if value])
    yield "`config.json` has every parameter."


def _scores(of: Described) -> Iterator[str]:
    if not of.spaces:
        yield "None was taken."
    for space in of.spaces:
        scores, sampling = space.scores, space.scores.sampling
        yield f"### In the space of {space.words}"
        yield (
            f"{scores.n_generated:,} samples {of_seeds(scores)} (noise of seed {sampling.seed}, "
            f"batch norm on {sampling.batchnorm} statistics) against {scores.n_reference:,} images "
            f"of `{scores.dataset}`, brought to the network by: {scores.resizer}."
            f"{_real_words(space)}"
        )
        yield _table(*_score_table(space))


def _score_table(space: ScoredSpace) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    own, real = score_means(space.scores), score_means(space.real) if space.real else {}
    every = score_means(space.others) if space.others else {}
    heads = ["score", "value", "± or how"]
    heads += [f"mean of {len(space.others.seeds)} seeds"] if space.others else []
    heads += ["real images", "what it is"]
    rows = []
    for key, one in own.items():
        spread = (one.method or "") if one.std is None else f"± {number(one.std)} over {one.over}"
        mean = [number(every[key].value)] if space.others else []
        beside = number(real[key].value) if key in real else ""
        meaning = ", ".join(filter(None, (one.info.title, HIGHER.get(one.info.direction or ""))))
        rows.append((f"`{key}`", number(one.value), spread, *mean, beside, meaning))
    return tuple(heads), rows


def _real_words(space: ScoredSpace) -> str:
    if not space.real:
        return ""
    held, count = space.real.held_out, f"{space.real.n_real:,}"
    against = f"{space.real.n_reference:,}"
    return f" Real images: {count} of `{held.dataset}` ({held.how}) against {against}."


def _provenance(of: Described, licence: str) -> Iterator[str]:
    yield (
        f"This generator is published under `{licence}`. It was trained with what is listed here; "
        f"whether their licences and those of the images of `{of.dataset_name}`, which no file of "
        "the study records, allow your use of it is yours to check."
    )
    rows = [("extractor", network) for network in of.extractor]
    rows += [
        (f"scores, {s.scores.evaluator}", network) for s in of.spaces for network in s.networks
    ]
    if rows:
        heads = ("role", "network", "licence", "source", "sha256 of the weights")
        yield _table(heads, [(role, *_network(network)) for role, network in rows])
    if not of.extractor:
        yield "The extractor's file was not at hand; its weights' licences are not known here."
    facts = {
        "data set": of.model.statistics.get("dataset_digest") or of.dataset.get("digest"),
        "extractor's file": of.model.statistics.get("extractor_digest"),
    }
    facts |= {f"evaluator {s.scores.evaluator}": s.scores.evaluator_digest for s in of.spaces}
    yield _table(("input", "sha256"), [(k, f"`{v}`") for k, v in facts.items() if v])


def _network(network: NetworkHeader) -> tuple[str, str, str, str]:
    found = network.provenance
    what = f"{network.name} ({network.architecture})"
    if trained := found.get("trained_on"):
        return what, "trained in the study", f"the images of `{trained}`", ""
    keys = ("package", "version", "model", "weights", "url", "file", "revision")
    source = " ".join(str(found[key]) for key in keys if found.get(key))
    digest = f"`{found['sha256']}`" if found.get("sha256") else ""
    return what, str(found.get("licence", "not recorded")), source or "not recorded", digest


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", r"\|")


def _spaced(lines: Sequence[str]) -> Iterator[str]:
    """An empty line between blocks, none between the points of a list."""
    for i, line in enumerate(lines):
        if i and not (line.startswith("- ") and lines[i - 1].startswith("- ")):
            yield ""
        yield line
