"""What pyproject.toml cannot say: the stages' scripts are in a wheel as `gfmn/stages`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["gfmn*"]), "gfmn.stages"],
    package_dir={"gfmn.stages": "stages"},
)
