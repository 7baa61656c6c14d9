"""Layers select tests by folder and decorator, and change nothing in projects without them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import pytest


def ran(pytester: pytest.Pytester, *options: str) -> set[str]:
    """Folders of the tests that ran."""
    result = pytester.runpytest("-v", *options)
    return {line.split("/")[1] for line in result.outlines if line.startswith("tests/") and " PASSED" in line}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"unit", "integration", "stress", "e2e", "elsewhere"}),
        (["--layer", "unit"], {"unit"}),
        (["--layer=unit", "--layer", "e2e"], {"unit", "e2e"}),
        (["--fast"], {"unit"}),
        (["--cloud"], {"unit", "integration", "cloud", "stress", "e2e", "elsewhere"}),
        (["--all-tests"], {"unit", "integration", "cloud", "stress", "e2e", "elsewhere"}),
        (["--layer", "cloud"], {"cloud"}),
        (["--fast", "--cloud"], {"unit", "cloud"}),
        (["-m", "stress or e2e"], {"stress", "e2e"}),
        (["-m", "not unit", "--fast"], set()),
    ],
)
def test_options_choose_layers(layered_project: pytest.Pytester, options: Sequence[str], expected: set[str]) -> None:
    assert ran(layered_project, *options) == expected


def test_layer_option_works_without_the_setting(plain_project: pytest.Pytester) -> None:
    assert ran(plain_project, "--layer", "unit") == {"unit"}


def test_layers_do_not_depend_on_the_folder_where_a_run_starts(plain_project: pytest.Pytester) -> None:
    (plain_project.path / "tox.ini").unlink()
    kit = ("--disable-plugin-autoload", "-p", "omni_test_kit", "--import-mode=importlib")
    with contextlib.chdir(plain_project.path / "tests" / "unit"):
        plain_project.runpytest(*kit, "--layer", "unit").assert_outcomes(passed=1)
        plain_project.runpytest(*kit, "--layer", "e2e").assert_outcomes(deselected=1)


def test_run_without_the_setting_is_unchanged(plain_project: pytest.Pytester) -> None:
    assert ran(plain_project) == {"unit", "integration", "cloud", "stress", "e2e", "elsewhere"}
    output = plain_project.runpytest().stdout.str()
    assert "omni test-kit" not in output
    assert "test layers" not in output


def test_mark_of_the_project_does_not_select_a_layer(empty_project: pytest.Pytester) -> None:
    empty_project.makepyfile("import pytest\n@pytest.mark.cloud\ndef test_it(): pass")
    empty_project.runpytest().assert_outcomes(passed=1)


def test_options_of_the_project_take_precedence(plain_project: pytest.Pytester) -> None:
    plain_project.makeconftest(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--fast', action='store_true')\n"
        "    parser.addoption('--cloud', default='none')\n"
        "def pytest_report_header(config):\n"
        "    return f'fast={config.option.fast} cloud={config.option.cloud}'\n"
    )
    result = plain_project.runpytest("--fast", "--cloud", "aws")
    result.stdout.fnmatch_lines(["fast=True cloud=aws"])
    result.assert_outcomes(passed=6)


def test_the_plugin_loads_automatically_and_can_be_turned_off(plain_project: pytest.Pytester) -> None:
    plain_project.makeini("[pytest]\naddopts = --import-mode=importlib\n")
    plain_project.runpytest("--layer", "unit").assert_outcomes(passed=1, deselected=5)
    plain_project.runpytest("-p", "no:omni_test_kit").assert_outcomes(passed=6)
    turned_off = plain_project.runpytest("-p", "no:omni_test_kit", "--layer", "unit")
    turned_off.stderr.fnmatch_lines(["*unrecognized arguments: --layer*"])


def test_nearest_decorator_takes_precedence_over_class_module_and_folder(layered_project: pytest.Pytester) -> None:
    (layered_project.path / "tests" / "stress" / "test_it.py").write_text(
        "from omni_pipelines.testing.layers import e2e, integration, unit\n"
        "pytestmark = e2e\n"
        "def test_of_the_module(): pass\n"
        "@integration\n"
        "class TestThings:\n"
        "    def test_of_the_class(self): pass\n"
        "    @unit\n"
        "    def test_of_its_own(self): pass\n"
    )
    for layer, name in (("unit", "its_own"), ("integration", "the_class"), ("e2e", "the_module")):
        chosen = layered_project.runpytest("tests/stress", "-v", "--layer", layer)
        chosen.assert_outcomes(passed=1, deselected=2)
        chosen.stdout.fnmatch_lines([f"*test_of_{name} PASSED*"])
    assert ran(layered_project, "-m", "stress") == set()


def test_cloud_decorator_deselects_a_test_without_the_setting(empty_project: pytest.Pytester) -> None:
    empty_project.makepyfile("from omni_pipelines.testing.layers import cloud\n@cloud\ndef test_it(): assert False")
    result = empty_project.runpytest()
    result.assert_outcomes(deselected=1)
    result.stdout.fnmatch_lines(["deselected: 1 cloud (run them with --cloud)"])
    empty_project.runpytest("--cloud").assert_outcomes(failed=1)


def test_single_parameter_set_can_be_a_cloud_test(empty_project: pytest.Pytester) -> None:
    empty_project.makepyfile(
        "import pytest\nfrom omni_pipelines.testing.layers import cloud\n"
        "@pytest.mark.parametrize('store', ['disk', pytest.param('s3', marks=cloud)])\ndef test_it(store): pass"
    )
    empty_project.runpytest().assert_outcomes(passed=1, deselected=1)


def test_left_out_tests_are_counted_by_layer(layered_project: pytest.Pytester) -> None:
    layered_project.runpytest("--fast").stdout.fnmatch_lines(
        ["deselected: 1 integration, 1 cloud, 1 stress, 1 e2e, 1 without a layer (asked for: --fast)"]
    )
    layered_project.runpytest().stdout.fnmatch_lines(["deselected: 1 cloud (run them with --cloud)"])
    assert "deselected" not in layered_project.runpytest("--all-tests").stdout.str()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "untit"], "*--layer untit: there is no such layer; did you mean unit?*"),
        (["--layer", "x"], "*no such layer; layers: unit, integration, cloud, benchmark, stress, e2e*"),
        (["--fast", "--all-tests"], "*--fast and --all-tests exclude each other*"),
        (["--fast", "--layer", "e2e"], "*--layer e2e and --fast exclude each other*"),
        (["--all-tests", "--layer", "e2e"], "*exclude each other*"),
    ],
)
def test_contradicting_layer_options_are_refused(
    layered_project: pytest.Pytester, options: Sequence[str], message: str
) -> None:
    result = layered_project.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_skip_if_cloud_and_only_cloud_depend_on_the_cloud_option(empty_project: pytest.Pytester) -> None:
    empty_project.makepyfile(
        "from omni_pipelines.testing.layers import only_cloud, skip_if_cloud\n"
        "@skip_if_cloud('the fake would shadow it')\ndef test_local(): pass\n"
        "@only_cloud('asks the real one')\ndef test_remote(): pass\n"
    )
    local, remote = empty_project.runpytest("-rs"), empty_project.runpytest("-rs", "--cloud")
    local.assert_outcomes(passed=1, skipped=1)
    local.stdout.fnmatch_lines(["SKIPPED*only_cloud: asks the real one"])
    remote.assert_outcomes(passed=1, skipped=1)
    remote.stdout.fnmatch_lines(["SKIPPED*skip_if_cloud: the fake would shadow it"])


def test_report_header_names_the_layers(layered_project: pytest.Pytester) -> None:
    layered_project.runpytest().stdout.fnmatch_lines(["omni test-kit: all layers without cloud"])
    layered_project.runpytest("--all-tests").stdout.fnmatch_lines(["omni test-kit: all layers"])
    layered_project.runpytest("--layer", "e2e", "--cloud").stdout.fnmatch_lines(["omni test-kit: cloud, e2e"])


def test_pytest_help_shows_layers_and_options(empty_project: pytest.Pytester) -> None:
    text = empty_project.runpytest("--help").stdout.str()
    assert all(option in text for option in ("--layer=NAME", "--fast", "--cloud", "--all-tests", "--layer-budgets"))
    markers = empty_project.runpytest("--markers").stdout.str()
    assert all(f"@pytest.mark.{name}:" in markers for name in ("unit", "integration", "cloud", "stress", "e2e"))
