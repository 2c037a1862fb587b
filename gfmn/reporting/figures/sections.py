"""Sections of the page that figures are shown in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A section of the page, by its anchor.

    With a heading it is a section for figures alone, which the page has where there are any;
    without one it is that of a table or of a figure of the report.
    """

    anchor: str
    label: str = ""  # above the heading and in the navigation
    heading: str = ""
    introduction: str = ""


TRAINING = Section("training", "Training", "Loss and samples during training")
MOMENTS = Section("gaps", "Moment gaps", "What is not matched after training")
MEMORIZATION = Section(
    "memorization",
    "Memorization",
    "Are samples copies of training images?",
    "The memorized probability is the probability that a sample is nearer to the training images "
    "than another real image is. Other real images have 0.5 among themselves. Near 1 a generator "
    "copies its training images. Near 0 its samples are farther from all of them than real images "
    "are, which is no merit.",
)
CLASSES = Section(
    "classes",
    "Classes",
    "Which classes are generated, and how often",
    "The classes are those of the data, told apart by a classifier that was trained on them in "
    "this study. Its scores of each run are under All scores: confidence is the mean probability "
    "of the predicted class, confident the fraction of images with 0.9 or more of it, covered the "
    "fraction of classes that are generated at least a tenth as often as they are real, class "
    "distance half the sum of the fractions’ differences.",
)


def table_section(table: str) -> Section:
    """The section of one of the report's tables."""
    return Section(table)


def figure_section(figure: str) -> Section:
    """The section of one of the report's figures of runs."""
    return Section(f"figure-{figure}")
