"""The pages that show the recipes: `python -m tests.recipes.pages` writes the files into them."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
# What each page shows, in its order; the block of a file is one in its language.
SHOWN = {
    DOCS / "other-languages.md": [
        DOCS / "recipes" / "node" / "mockscim.mjs",
        DOCS / "recipes" / "node" / "provisioning.test.mjs",
        DOCS / "recipes" / "java" / "MockScim.java",
        DOCS / "recipes" / "java" / "ProvisioningTest.java",
        DOCS / "recipes" / "go" / "provisioning_test.go",
        DOCS / "recipes" / "dotnet" / "ProvisioningTests.cs",
    ],
    DOCS / "containers.md": [DOCS / "container" / "Dockerfile", DOCS / "container" / "compose.yaml"],
}
_BLOCK = re.compile(r"^```(js|java|go|csharp|dockerfile|yaml)\n(?:.*?\n)??```$", re.MULTILINE | re.DOTALL)


def written(page):
    """The page, with its files as they are now."""
    files = iter(SHOWN[page])
    return _BLOCK.sub(lambda block: f"```{block[1]}\n{next(files).read_text('utf-8')}```", page.read_text("utf-8"))


if __name__ == "__main__":
    for each in SHOWN:
        each.write_text(written(each), "utf-8")
