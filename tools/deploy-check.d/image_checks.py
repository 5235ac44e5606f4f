"""What must be true for the image to build, as far as that shows without building it."""

import fnmatch
import re
import tomllib
import unittest

from manifests import ROOT

DOCKERFILE = ROOT / "deploy/Dockerfile"
INCLUDED = re.compile(r'include_(?:str|bytes)!\(\s*"([^"]+)"')


def ignore_rules(text):
    """The patterns of a .dockerignore, each with whether it lets in."""
    lines = (line.strip() for line in text.splitlines())
    return [(line.lstrip("!").strip("/"), line.startswith("!")) for line in lines if line and line[0] != "#"]


def matches(pattern, path):
    """Whether a pattern names the path or a directory above it. `**/` stands for any directories."""
    parts = path.split("/")
    heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
    depth = pattern.count("/")
    return any(head.count("/") == depth and fnmatch.fnmatchcase(head, pattern) for head in heads)


def is_admitted(path, rules):
    """Whether a file gets into the build context: the last pattern that matches says."""
    admitted = True
    for pattern, lets_in in rules:
        if matches(pattern, path):
            admitted = lets_in
    return admitted


def copied():
    """What the Dockerfile copies from the build context."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    for arguments in re.findall(r"(?m)^(?:COPY|ADD)\s+(.*)$", text):
        words = arguments.split()
        if not any(word.startswith("--from=") for word in words):
            yield from (word for word in words[:-1] if not word.startswith("--"))


def without_tests(source):
    """The text of a Rust file without the modules that only tests have, which end it."""
    return re.split(r"(?m)^#\[cfg\(test\)\]\n(?:#\[[^\n]*\n)*mod \w+ \{", source)[0]


class Image(unittest.TestCase):
    def setUp(self):
        self.rules = ignore_rules((ROOT / ".dockerignore").read_text())

    def test_a_build_context_has_what_is_copied(self):
        sources = list(copied())
        self.assertIn("crates", sources)
        for source in sources:
            path = ROOT / source
            files = [path] if path.is_file() else [f for f in path.glob("*") if f.is_file()] + list(path.glob("*/*"))
            admitted = [f for f in files if is_admitted(str(f.relative_to(ROOT)), self.rules)]
            self.assertTrue(admitted, f"{source} is not there, or .dockerignore leaves it out")

    def test_a_build_context_has_nothing_that_is_built_or_secret(self):
        for path in ("web/node_modules/a/b.js", "web/dist/index.html", "target/debug/x", "crates/bus/target/x",
                     ".env", ".git/config", "data/signing-keys"):  # fmt: skip
            self.assertFalse(is_admitted(path, self.rules), path)

    def test_the_workspace_is_what_is_copied(self):
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        for member in manifest["workspace"]["members"]:
            self.assertTrue(any(member.split("/")[0] == source for source in copied()), member)

    def test_what_the_programs_include_is_in_the_context(self):
        found = 0
        for source in (ROOT / "crates").glob("*/src/**/*.rs"):
            for name in INCLUDED.findall(without_tests(source.read_text())):
                path = (source.parent / name).resolve()
                with self.subTest(source=str(source.relative_to(ROOT)), included=name):
                    self.assertTrue(path.is_file())
                    self.assertTrue(path.is_relative_to(ROOT / "crates"), "the image copies crates/ only")
                    self.assertTrue(is_admitted(str(path.relative_to(ROOT)), self.rules))
                found += 1
        self.assertGreater(found, 5)


class Ignoring(unittest.TestCase):
    """That the rules are read as Docker reads them."""

    def test_the_last_pattern_that_matches_says(self):
        rules = ignore_rules("# all\n*\n!web\nweb/dist\n**/target\n")
        admitted = lambda path: is_admitted(path, rules)
        self.assertTrue(admitted("web/src/main.ts") and admitted("web/distant/a"))
        self.assertFalse(admitted("docs/a.md") or admitted("web/dist/a.js") or admitted("web/a/target/b"))
