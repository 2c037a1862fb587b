"""Statistics of a data set that is one array of images."""

from gfmn.common.progress import Progress
from gfmn.datasets.prepared import PreparedDataset
from gfmn.features import statistics
from gfmn.features.copies import Copies
from gfmn.features.extractor import Extractor
from gfmn.features.groups import new_groups
from gfmn.features.groups.base import Classes
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.runtime.distributed import ALONE, World


def measure(
    title: str,
    data: PreparedDataset,
    extractor: Extractor,
    config: StatisticsConfig,
    where: str,
    world: World = ALONE,
) -> tuple[Statistics, float]:
    """The statistics of all images, the same on every rank, and images a second.

    `title`: of the progress that is shown; `where`: the parameters, which begin an `InputError`.
    """
    images = Copies(data.images, config.copies) if config.copies else data.images
    classes = statistics.class_facts(config, data.labels, data.metadata.get("classes"), where)
    labels, shuffle = data.labels if classes else None, config.batchnorm == "batch"
    groups = new_groups(config, len(images), Classes.of(classes))
    with Progress(title, len(images), "images", silent=not world.is_main) as progress:
        mean, variance = statistics.extract(
            images, extractor, config.batch, progress, world, shuffle, groups, labels
        )
    results = {name: group.result(world) for name, group in groups.items()}
    metadata = statistics.describe(config, data.metadata, extractor, groups, classes)
    return Statistics(metadata, mean, variance, results), progress.rate
