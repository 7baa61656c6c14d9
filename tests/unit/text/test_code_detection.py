"""Source code is recognised by its text."""

import pytest

from omni_pipelines.text.code_detection import code_suffix


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("def area(r):\n    return 3 * r * r\n", ".py"),
        ("def show(x):\n    print x\n    return x\n", ".py"),
        ("import os\n\nclass A(B):\n    pass\n", ".py"),
        ("use std::io;\n\npub fn main() {\n    let mut x = 1;\n    x += 1;\n}\n", ".rs"),
        ("package main\n\nfunc main() {\n\tx := 1\n\tprint(x)\n}\n", ".go"),
        ("import a.b.C;\npublic class A {\n  private int x;\n  public int get() { return x; }\n}\n", ".java"),
        ("function f(a) {\n  const b = a + 1;\n  return b;\n}\n", ".js"),
        ('#include <stdio.h>\nint main(void) {\n  printf("x");\n  return 0;\n}\n', ".c"),
        ("Otters sleep holding hands.\nThey import nothing; they float.\n", ""),
        ("# Guide\n\nImport the package, then call `f()`:\n\n    import f\n    f()\n\nThat is all; it works.\n", ""),
        ("from here to there\nis a long way\n", ""),
        ("", ""),
        ("name,age\na,1\n", ""),
        ("public opinion changed; the class of 1968 left.\n", ""),
    ],
)
def test_code_has_the_suffix_of_its_language_and_prose_has_none(text: str, suffix: str) -> None:
    assert code_suffix(text) == suffix
