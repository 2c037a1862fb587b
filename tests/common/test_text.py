"""Text of users in files that others read: no secrets, no paths of their machines."""

import copy
import json

import pytest
from builders.project import parameters

from gfmn.common.text import shareable, without_secrets
from gfmn.study import check


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://me:tok@host/a.pth?sig=tok#tok", "https://host/a.pth"),
        ("found 'http://tok@host/a', not b?", "found 'http://host/a', not b?"),
        ("https://host/pkg@1.2/a.pth", "https://host/pkg@1.2/a.pth"),
        ("s3://tok:tok@bucket/a", "s3://bucket/a"),
    ],
)
def test_urls_lose_user_info_and_query(text: str, found: str) -> None:
    assert without_secrets(text) == found


@pytest.mark.parametrize("path", ["/home/me/cats", "~/cats/", "~me/cats", "C:\\Users\\me\\cats"])
def test_absolute_paths_are_named_by_their_last_part(path: str) -> None:
    found = shareable({"row": {"path": path, "size": 32}, "near": "../cats"})
    assert found["row"]["path"] == "cats" and found["near"] == "../cats"
    other = shareable({"row": {"path": "/other/cats", "size": 32}})
    assert other["row"]["digest"] != found["row"]["digest"]  # another set: built anew
    assert shareable({"a": [1, "b"]}) == {"a": [1, "b"]}


def test_what_check_writes_has_no_path_or_secret_of_the_parameters() -> None:
    params = copy.deepcopy(parameters())
    params["datasets"]["photos"] = {"source": "folder", "path": "/home/mallory/x", "image_size": 32}
    source = params["extractors"]["fetched"]["vgg16"]["source"]
    hashes = {"sha256": source["sha256"], "license": "MIT"}
    url = "https://host/vgg16.ckpt?token=hush"
    params["extractors"]["fetched"]["vgg16"]["source"] = {"kind": "url", "url": url, **hashes}
    lite2 = params["evaluators"]["fetched"]["lite2"]
    lite2["source"] = {"kind": "file", "path": "/home/mallory/w.pth", **hashes}
    written = json.dumps(check(params, "params.yaml").dependencies())
    assert "mallory" not in written and "hush" not in written and "w.pth" in written
