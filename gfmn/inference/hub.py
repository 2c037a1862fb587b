"""Trained generators on the Hugging Face hub, by its mixin; needs the extra `hub`."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelHubMixin, hf_hub_download

from gfmn.common.errors import InputError
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.inference.model_folder import CARD, CONFIG, PUBLISHED


class HubGenerator(ModelHubMixin, library_name="gfmn"):
    """A trained generator with the methods of the hub."""

    _hub_mixin_config = {}  # noqa: RUF012 - the mixin's; none is made, `config.json` is ours

    def __init__(self, trained: TrainedGenerator) -> None:  # no name that `config.json` has
        self.trained = trained

    def _save_pretrained(self, save_directory: Path) -> None:
        self.trained.save_pretrained(save_directory)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> "HubGenerator":
        weights, _ = (hf_hub_download(model_id, name, **options) for name in (PUBLISHED, CONFIG))
        return cls(load(Path(weights).parent))


def push(generator: TrainedGenerator, repository: str, **options: Any) -> str:
    """See `TrainedGenerator.push_to_hub`."""
    try:
        return str(HubGenerator(generator).push_to_hub(repository, **options))
    except Exception as error:  # of the client, of its transport: all are input here
        expected = f"expected to publish {PUBLISHED}, {CONFIG} and {CARD}"
        raise _refused(expected, repository, error) from None


def pull(repository: str, **options: Any) -> TrainedGenerator:
    """See `TrainedGenerator.from_pretrained`."""
    try:
        return HubGenerator.from_pretrained(repository, **options).trained
    except InputError:
        raise
    except Exception as error:  # as above
        raise _refused(f"expected a repository with {PUBLISHED}", repository, error) from None


def _refused(expected: str, repository: str, error: Exception) -> InputError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(f"{repository}: {expected}, found: {reason[:300]}")
