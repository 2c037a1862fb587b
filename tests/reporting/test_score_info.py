"""How a score is shown: the facts that its metric states, and the order of columns."""

from builders.score_files import info_by_name

from gfmn.reporting.score_info import ordered


def test_score_name_says_kind_direction_and_count() -> None:
    assert info_by_name("class_distance_own_5k").kind == "class_distance"
    assert info_by_name("x_5k").kind == "" and info_by_name("x_5k").direction is None
    assert info_by_name("kid_5k").direction == "lower"
    assert info_by_name("memorised_pixel_1k").direction == "half"
    counts = [info_by_name(key).count for key in ("fd_x_5k", "fd_x_1797", "fd_x_inf")]
    assert counts == [5000, 1797, None]


def test_titles_tell_limits_and_spaces_apart() -> None:
    keys = ("fd_x_5k", "fd_x_inf", "memorised_pixel_1k", "memorised_x_1k", "new_x_5k")
    assert len({info_by_name(key).title for key in keys}) == len(keys)
    assert info_by_name("new_x_5k").title == "new_x_5k"


def test_scores_are_ordered_by_kind_then_count() -> None:
    keys = ("fd_x_inf", "new_x_5k", "fd_x_50k", "kd_x_5k", "fd_x_5k")
    expected = ["fd_x_5k", "fd_x_50k", "fd_x_inf", "kd_x_5k", "new_x_5k"]
    assert ordered({key: info_by_name(key) for key in keys}) == expected
