"""`gfmn card`: the model card of a run, from what its study recorded."""

import argparse
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from gfmn.common.arguments import Number
from gfmn.common.bounds import SEEDS
from gfmn.common.text import markdown
from gfmn.inference import options
from gfmn.inference.front_matter import front_matter
from gfmn.inference.image_files import check_writable, write_atomically
from gfmn.inference.output import STDOUT, Result
from gfmn.inference.run_record import EvaluatorScores, RunRecord, read_run
from gfmn.networks.extractor_file import NetworkHeader
from gfmn.reporting.formatting import format_duration, join

BEST = {"lower": "lower is better", "higher": "higher is better", "half": "0.5 in real images"}
SOURCE = ("package", "version", "model", "weights", "url", "file", "revision")  # of a provenance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write a model card from what a study recorded of a run, and its samples."
    parser.add_argument("run", metavar="RUN", help="the run's name in the study's params.yaml")
    options.add_study(parser)
    text = "of one training (default: all that the run has)"
    parser.add_argument("--seed", type=Number(0, SEEDS), help=text)
    parser.add_argument(
        "--license",
        default="apache-2.0",
        help="SPDX identifier of the license under which you publish the generator (default: "
        "%(default)s); the card lists the licenses of the networks that it was trained with",
    )
    options.add_out(parser, "the card, .md; samples are written next to it as <name>-samples.png")


def run(arguments: argparse.Namespace) -> Result:
    """Write the card; returns the paths of the files."""
    paths = write_card(
        arguments.out,
        arguments.study,
        arguments.run,
        arguments.seed,
        arguments.license,
        arguments.force,
    )
    names = [*map(str, paths)]
    return Result("" if arguments.out == STDOUT else ", ".join(names), {"files": names})


def write_card(
    out: Path,
    study: Path,
    run: str,
    seed: int | None = None,
    license: str = "apache-2.0",
    overwrite: bool = False,
) -> list[Path]:
    """Write the card, and a grid of samples next to it where the study has one; returns the paths.

    `seed`: of one training, else all that the run has. `license`: the generator's, an SPDX
    identifier. Raises `InputError` as `gfmn.inference.run_record.read_run` does.
    """
    record = read_run(study, run, seed)
    samples = record.seeds[0].samples
    with_image = samples is not None and out != STDOUT
    image = out.with_name(f"{out.stem}-samples.png") if with_image else None
    paths = [out, image] if image else [out]
    for path in paths:
        check_writable(path, overwrite)
    text = model_card(record, license, image.name if image else None)
    if image and samples:
        with write_atomically(image, overwrite) as partial:
            shutil.copyfile(samples, partial)
    with write_atomically(out, overwrite) as partial:
        partial.write_text(text, encoding="utf-8")
    return paths


def model_card(record: RunRecord, license: str = "apache-2.0", image: str | None = None) -> str:
    """The card: YAML and Markdown. `image` is the file name of a grid of samples next to it."""
    evaluators = [(evaluator, score_rows(evaluator)) for evaluator in record.evaluators]
    statistics = record.model.statistics
    networks = [("extractor", network) for network in record.extractor]
    inputs = {
        "data set": statistics.get("dataset_digest") or record.dataset.get("digest"),
        "extractor's file": statistics.get("extractor_digest"),
    }
    for evaluator in record.evaluators:
        name = evaluator.scores.evaluator
        networks += [(f"scores, {name}", network) for network in evaluator.networks]
        inputs[f"evaluator {name}"] = evaluator.scores.evaluator_digest
    body = _template().render(
        record=record,
        model=record.model,
        parameters=record.model.parameters,
        image_size=statistics.get("image_size"),
        architectures=[network.architecture for network in record.extractor],
        seeds=[result.seed for result in record.seeds],
        training=_training(record),
        evaluators=evaluators,
        memorized={  # by key: every evaluator's scores hold those in pixels
            row.key: f"`{row.key}` {number(row.value)}"
            for _, rows in evaluators
            for row in rows
            if row.kind == "memorised"
        },
        published=[n.name for n in record.extractor if not n.provenance.get("trained_on")],
        skipped=record.dataset.get("skipped", {}).get("count"),
        networks=networks,
        inputs=inputs,
        license=license,
        image=image,
    )
    return f"---\n{front_matter(record, license)}---\n\n{body}"


@dataclass(frozen=True)
class ScoreRow:
    """A score in a card's table."""

    key: str
    kind: str  # as its file has it
    value: float  # mean over the seeds
    spread: str  # "± 1.7 over 3 seeds", or how a score without a deviation was computed
    mean: float | None  # over all seeds, where the card is of one of several
    real: float | None  # of real images
    meaning: str


def score_rows(evaluator: EvaluatorScores) -> list[ScoreRow]:
    """The scores in one evaluator's features, in the order of the report's tables."""
    means, real = (
        file.means["value"].to_dict() if file else {}
        for file in (evaluator.all_seeds, evaluator.real)
    )
    return [
        ScoreRow(
            key=str(key),
            kind=score["kind"],
            value=score["value"],
            spread=(score["method"] or "")
            if score["std"] is None
            else f"± {number(score['std'])} over {score['over']}",
            mean=means.get(key),
            real=real.get(key),
            meaning=", ".join(filter(None, (score["title"], BEST.get(score["direction"])))),
        )
        for key, score in evaluator.scores.means_or_none.iterrows()
    ]


def _training(record: RunRecord) -> dict[str, str | None]:
    """The table of the training; entries without a value are left out of the card."""
    model, parameters = record.model, record.model.parameters
    taps = [tap.name for tap in model.taps]
    count, steps = record.dataset.get("count"), parameters.get("steps")
    source = f", {count:,} images, source `{record.dataset.get('source')}`" if count else ""
    tapped = f" of {len(taps)} taps, {taps[0]} to {taps[-1]}" if taps else ""
    return {
        "data": f"`{record.dataset_name}`{source}",
        "matched": f"{model.features:,} features{tapped}",
        "extractor": f"`{parameters.get('extractor')}`, batch norm in mode "
        f"`{parameters.get('batchnorm', 'eval')}`",
        "generator": f"{parameters.get('generator')}, {model.generator_parameters:,} parameters, "
        f"z of {parameters.get('latent')} standard normal values",
        "objective": f"`{parameters.get('objective')}`, minibatch {parameters.get('batch')}",
        "updates": f"{steps:,}, Adam at {parameters.get('lr')}" if steps else None,
        "precision": join(f"{name} {kind}" for name, kind in model.precision.items()),
        "seeds": join(str(result.seed) for result in record.seeds),
        "duration": None
        if record.seconds is None
        else format_duration(record.seconds) + (", all seeds" if len(record.seeds) > 1 else ""),
    }


def _template() -> jinja2.Template:
    text = resources.files("gfmn.inference").joinpath("model_card.md.jinja").read_text("utf-8")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    environment.filters |= {
        "cell": _cell,
        "code": lambda text: f"`{text}`",
        "listing": join,
        "line": markdown,
        "number": number,
        "percent": lambda share: f"{share:.2%}",
        "source": _source,
    }
    return environment.from_string(text)


def number(value: float | None) -> str:
    """Four significant digits, no fraction from 1,000 on; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cell(value: Any) -> str:
    return markdown(" ".join(str(value).split())).replace("|", r"\|")


def _source(network: NetworkHeader) -> str:
    facts = [str(network.provenance[key]) for key in SOURCE if network.provenance.get(key)]
    return " ".join(facts) or "not recorded"
