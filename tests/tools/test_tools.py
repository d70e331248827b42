"""The checking scripts find what they are for."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/programs")]

import capabilities
import check_headers
import check_sizes
import check_traces
import extract_snippets
import fuzz
import run_program


class Sizes(unittest.TestCase):
    def lengths(self, text):
        return {head: length for _, length, head in check_sizes.functions(text)}

    def test_functions_are_measured_in_every_scope(self):
        body = "  x += 1;\n" * 70
        found = self.lengths("namespace a {\nstruct B : C<int> {\n  int f() const override {\n" + body + "  }\n};\n"
                             "B::B(int x) : a_(x) {\n" + body + "}\nTEST(A, B) {\n" + body + "}\n}\n")
        self.assertEqual(found, {"int f() const override": 72, "B::B(int x) : a_(x)": 72, "TEST(A, B)": 72})

    def test_tables_comments_and_strings_are_no_functions(self):
        self.assertEqual(self.lengths('const int t[] = {\n1,\n};\n// f() {\nconst char* s = "g() {";\nenum class E { a };\n'), {})


class Fuzzing(unittest.TestCase):
    def run_target(self, script):
        with tempfile.TemporaryDirectory() as folder:
            build, fuzz.BUILD = fuzz.BUILD, pathlib.Path(folder)
            program = fuzz.BUILD / "fuzz_some"
            program.write_text("#!/bin/sh\n" + script)
            program.chmod(0o755)
            try:
                return fuzz.run(program, ["-runs=5"])
            finally:
                fuzz.BUILD = build

    def test_numbers_are_read(self):
        statistics = "echo stat::number_of_executed_units: 5; echo stat::new_units_added: 2; echo stat::peak_rss_mb: 80\n"
        self.assertEqual(self.run_target(statistics), ("some", 5, 2, 80, []))

    def test_what_is_found_is_named(self):
        crash = 'for a; do case $a in -artifact_prefix=*) echo x >"${a#*=}crash-1";; esac; done; exit 77\n'
        self.assertEqual(self.run_target(crash)[4], ["crash-1"])
        self.assertEqual(self.run_target("exit 3\n")[4], ["exit status 3, see some.log"])


class Traces(unittest.TestCase):
    def test_places(self):
        for bad in ("/" + "root/x", '"/' + 'home/ann/x"', "-I/" + "work/main"):
            self.assertIsNotNone(check_traces.PLACE.search(bad), bad)
        for good in ("https://a.org/home/x/", "$HOME/work/x", "${dir}/root/", "tests/work/x", "/usr/include", "/tmp/x"):
            self.assertIsNone(check_traces.PLACE.search(good), good)


class Headers(unittest.TestCase):
    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            header = pathlib.Path(folder) / "h.h"
            header.write_text(text)
            return check_headers.includes(header, {header})

    def test_other_libraries_and_heavy_headers_are_found(self):
        standard, problems = self.problems("#include <vector>\n#include <dnnl.hpp>\n#include <map>\n#include <cstdint>\n")
        self.assertEqual(standard, ["vector", "cstdint"])
        self.assertEqual(len(problems), 2, problems)


class Snippets(unittest.TestCase):
    def programs(self, text):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(text)
            return dict(extract_snippets.programs(page))

    def test_blocks_go_where_they_belong(self):
        made = self.programs("```cpp\nint a = 1;\n```\n```\nprinted\n```\n```cpp\nclass B {};\n```\n"
                             "<!-- compile only -->\n```cpp\nint c;\n```\n```cpp\nint main() {}\n```\n")
        self.assertEqual(set(made), {"", "_program1"})
        page = made[""]
        self.assertLess(page.index("class B"), page.index("int main()"))
        self.assertLess(page.index("int main()"), page.index("int a"))
        self.assertLess(page.index("[&]"), page.index("int c"))
        self.assertNotIn("printed", page)


    def test_parts_of_examples_must_be_there(self):
        program = "int main() {\n  f({\n    1,\n  });\n  g();\n}\n"
        self.assertTrue(extract_snippets.is_part_of("f({\n  1,\n});\ng();\n", program))
        self.assertFalse(extract_snippets.is_part_of("f({\n  2,\n});\n", program))
        self.assertFalse(extract_snippets.is_part_of("f({\n1,\n});\n", program))


class Packages(unittest.TestCase):
    def test_lists_are_shell(self):
        script = ". tools/packages.sh; printf %s \"$build_packages$check_packages$peers_packages\""
        done = subprocess.run(["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in filter(None, done.stdout.split("\n")):
            self.assertRegex(line, r"^[a-z0-9.+|-]+: \S")


class Programs(unittest.TestCase):
    def test_holes_match_their_kind_alone(self):
        self.assertEqual(run_program.compare("loss: {number} {time}\n", "loss: 1.5e-05 2s\n", "it"), "")
        self.assertIn("+loss: nan 2s", run_program.compare("loss: {number} {time}\n", "loss: nan 2s\n", "it"))
        self.assertIn("-b", run_program.compare("a\nb\n", "a\n", "it"))
        self.assertNotEqual(run_program.compare("", "something\n", "it"), "")


class Seams(unittest.TestCase):
    # capability: 4.19
    def test_another_device_would_stand_beside_the_kernels(self):
        """What knows the vector units of the machine and the libraries for them is in src/kernels alone."""
        device = re.compile(r'#include\s*[<"](?:dnnl|oneapi/dnnl|hwy/|immintrin|cuda)')
        found = {path.relative_to(ROOT).parts[:2] for path in (ROOT / "src").rglob("*") if path.suffix in (".h", ".cpp", ".inc")
                 if device.search(path.read_text(encoding="utf-8"))}
        self.assertEqual(found, {("src", "kernels")})


class Capabilities(unittest.TestCase):
    def test_marks_are_found(self):
        text = "// capability: 1.1, 2.3\nclass Helper {};\n\nTEST_P(Suite, Name) {}\n"
        self.assertEqual(capabilities.MARK.findall(text), [("1.1, 2.3", "Suite", "Name")])
        text = "# capability: 6.1\n@pytest.mark.parametrize('a', [1])\ndef test_it(a):\n    # capability: 6.2\n    def test_b(self):\n"
        self.assertEqual(capabilities.PYTHON.findall(text), [("6.1", "test_it"), ("6.2", "test_b")])

    def test_every_row_is_shown(self):
        self.assertEqual([line for line in capabilities.page().splitlines() if "*open*" in line], [])


if __name__ == "__main__":
    unittest.main()
