"""Breaks the compiler and the kernels, one operator at a time, and shows which tests notice.

    python3 tests/outside/mutants.py compiler               every mutant of derivative rules, meanings and rewrites
    python3 tests/outside/mutants.py kernels --sample 120   so many mutants of the kernels, chosen by --seed
    python3 tests/outside/mutants.py compiler --list        only says what would be broken

The sources are copied to a folder of their own (--work), and all mutants are put into the copy at once: `a + b` becomes
`if crate::mutant::on(7) { a - b } else { a + b }` (`mutants/src/main.rs`). What does not compile is left out, the tests are
built once, and run for each mutant with a variable of the environment that names it. A mutant is killed when a test fails,
or does not end within its time. What survives is printed at the end, and the exit status is 1, unless EXPLAINED says
why nothing can notice it.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: The crate, what is broken, what Cargo is told, and the tests that have to notice, as (binary, filter): what survives the
#: first meets the next. `{module}` stands for the module that is broken.
TARGETS = {
    "compiler": (
        "nn-compiler",
        ["src/ops/*.rs", "src/optimize/*.rs", "src/grad.rs", "src/term.rs"],
        ["--lib", "--test", "programs"],
        [("nn_compiler", "ops::"), ("nn_compiler", ""), ("programs", "")],
    ),
    "kernels": (
        "nn-runtime",
        ["src/kernels/*.rs", "src/kernels/*/*.rs"],
        ["--lib", "--test", "tails", "--test", "extremes", "--config", "profile.dev.package.nn-runtime.opt-level=1"],
        [("nn_runtime", "{module}"), ("nn_runtime", "kernels::"), ("tails", ""), ("extremes", "")],
    ),
}

#: Files without arithmetic of their own, and tests.
SKIPPED = {"tests.rs", "testing.rs", "layout.rs", "buffer.rs", "params.rs", "compiled.rs", "simd.rs", "mod.rs"}

#: But these hold kernels.
MODULES = {"kernels/attention/mod.rs", "kernels/interleaved/mod.rs"}

#: Says in the broken crate which mutant is on.
SWITCH = """
extern crate std;
use std::sync::LazyLock;
static CURRENT: LazyLock<usize> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0));
#[inline(always)]
pub(crate) fn on(number: usize) -> bool {
    *CURRENT == number
}
"""

#: (end of file name, start of the line, replacement): why no test can notice.
EXPLAINED = {
    ("ops/add.rs", "let (first, starts)", "<="): "the axis is one where both start at different places",
    ("ops/add.rs", "let (second, from)", "<="): "the axis is one where both start at different places",
    ("binary_cross_entropy.rs", "let (p, t, shape)", "x[1]"): "both have one shape",
    ("huber.rs", "let (error, shape)", "x[1]"): "both have one shape",
    ("dot.rs", "let axes", "x[1]"): "both have one shape",
    ("cross_entropy.rs", "(smoothing != 0.0)", "1.0"): "the rewrite before takes what has no smoothing",
    ("cross_entropy.rs", "(smoothing != 0.0)", "2.0"): "the rewrite before takes what has no smoothing",
    ("elu.rs", "eval:", ">="): "both branches are 0 at 0",
    ("elu.rs", "let t", "1.0"): "any bound from 0 on serves the branch that is not selected",
    ("erf.rs", "if x.abs() >=", ">"): "both ways of computing hold there",
    ("erf.rs", "if sum + term == sum", "-"): "a term that does not change the sum changes it with neither sign",
    ("huber.rs", "let loss", ">="): "both branches agree there",
    ("leaky_relu.rs", "eval:", ">="): "both branches are 0 at 0",
    ("mse.rs", "let (error, shape)", "x[1]"): "both have one shape",
    ("ops/max.rs", "eval:", ">="): "equal values are the same",
    ("ops/min.rs", "eval:", "<="): "equal values are the same",
    ("reduce_max.rs", "let larger", ">="): "equal values are the same",
    ("relu.rs", "vjp:", "at.x[0]"): "the operand and the result are positive together",
    ("relu.rs", "eval:", "<="): "both branches are 0 at 0",
    ("sigmoid.rs", "if x >= 0.0", ">"): "both branches are ½ at 0",
    ("ops/sum.rs", "let below", "<="): "it is asked of axes that are kept, and those are not summed",
}

#: Tests that run longer than this never end. A busy machine needs more (--seconds).
SECONDS = 120

Mutant = collections.namedtuple("Mutant", "number path line new text")


def explanation(mutant):
    """Why this mutant may survive, or nothing."""
    for (name, start, new), reason in EXPLAINED.items():
        if str(mutant.path).endswith(name) and mutant.text.startswith(start) and mutant.new == new:
            return reason
    return None


def limit():
    """A rewrite that feeds itself must not take the machine's memory."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


class Copy:
    """A copy of the sources with the mutants of one crate in it."""

    def __init__(self, work, crate, patterns, only):
        self.work, self.crate, self.source = work, crate, work / "source"
        shutil.rmtree(self.source, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.source)], check=True)
        # Also what is not committed yet.
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split():
            if (ROOT / name).is_file():
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self.source / name)
        folder = self.source / crate
        self.files = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if self.is_broken(path)]
        self.files = [path for path in self.files if only in str(path)]
        self.originals = {path: path.read_text() for path in self.files}
        (folder / "src/mutant.rs").write_text(SWITCH)
        with open(folder / "src/lib.rs", "a") as library:
            library.write("\nmod mutant;\n")
        self.environment = dict(os.environ, CARGO_TARGET_DIR=str(work / "target"), RUSTFLAGS="-Awarnings")
        self.environment.pop("MUTANT", None)
        subprocess.run(
            ["cargo", "build", "--quiet", "--manifest-path", str(ROOT / "tests/outside/mutants/Cargo.toml")],
            env=self.environment, check=True,
        )

    @staticmethod
    def is_broken(path):
        return path.name not in SKIPPED or any(str(path).endswith(name) for name in MODULES)

    def put(self, without):
        """The sources with all mutants but these; which they are."""
        for path, text in self.originals.items():
            path.write_text(text)
        (self.work / "without").write_text(" ".join(map(str, sorted(without))))
        tool, found = self.work / "target/debug/mutants", self.work / "list"
        subprocess.run([str(tool), str(found), str(self.work / "without"), *map(str, self.files)], check=True)
        rows = (line.split("\t") for line in found.read_text().splitlines())
        return [
            Mutant(int(number), pathlib.Path(path).relative_to(self.source), int(line), new,
                   self.originals[pathlib.Path(path)].splitlines()[int(line) - 1].strip())
            for number, path, line, new in rows
        ]

    def cargo(self, command, arguments):
        """What Cargo says in JSON."""
        line = ["cargo", *command, "--message-format=json", "-p", self.crate, *arguments]
        process = subprocess.run(line, cwd=self.source, env=self.environment, capture_output=True, text=True)
        messages = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
        return process, messages

    def broken(self, messages):
        """The numbers of the mutants at which the compiler found an error."""
        numbers = set()
        for message in messages:
            if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
                continue
            for span in message["message"]["spans"]:
                if not span["is_primary"]:
                    continue
                lines = (self.source / span["file_name"]).read_text().splitlines()
                # The branches of a mutant follow the line that asks for it.
                for at in range(min(span["line_end"], len(lines)) - 1, -1, -1):
                    on = re.findall(r"mutant::on\((\d+)usize\)", lines[at])
                    if on:
                        numbers.update(map(int, on))
                        break
        return numbers


def run(binary, filters, environment, seconds, folder):
    """Whether the tests of a binary fail, pass, or don't end."""
    process = subprocess.Popen(
        [binary, "--quiet", *filters], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=limit,
    )
    try:
        return "passed" if process.wait(timeout=seconds) == 0 else "killed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return "endless"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, as far as they compile")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for the tests of a mutant")
    parser.add_argument("--list", action="store_true", help="only say what would be broken")
    parser.add_argument("--work", default="/tmp/mutants", help="a folder for the copy and what is built from it")
    arguments = parser.parse_args()
    crate, patterns, tests, stages = TARGETS[arguments.target]
    copy = Copy(pathlib.Path(arguments.work) / arguments.target, crate, patterns, arguments.only)
    mutants = copy.put(set())
    every = {mutant.number for mutant in mutants}
    chosen = every
    if arguments.sample and arguments.sample < len(every):
        chosen = set(random.Random(arguments.seed).sample(sorted(every), arguments.sample))
    if arguments.list:
        for mutant in mutants:
            if mutant.number in chosen:
                print(f"{mutant.number}: {mutant.path}:{mutant.line}: {mutant.text} -> {mutant.new}")
        print(len(chosen), "of", len(every), "mutants")
        return 0

    without = every - chosen
    while True:
        mutants = copy.put(without)
        process, messages = copy.cargo(["check", "--profile", "test"], ["--lib"])
        if process.returncode == 0:
            break
        more = copy.broken(messages) - without
        if not more:
            sys.exit(f"the copy does not compile without any mutant:\n{process.stderr}")
        without |= more
        print(f"{len(more)} mutants do not compile", flush=True)
    process, messages = copy.cargo(["test", "--no-run"], tests)
    if process.returncode != 0:
        sys.exit(process.stderr)
    binaries = {
        message["target"]["name"]: message["executable"]
        for message in messages
        if message.get("executable") and message.get("profile", {}).get("test")
    }

    def module(mutant):
        parts = mutant.path.with_suffix("").parts
        return "::".join(part for part in parts[parts.index("src") + 1:] if part != "mod") + "::"

    def verdict(number, module):
        """`killed`, `survived` or `endless`."""
        environment = dict(copy.environment, MUTANT=str(number), PROPTEST_MAX_SHRINK_ITERS="0")
        for name, filters in stages:
            name = next(binary for binary in binaries if binary.replace("-", "_") == name)
            chosen = [filters.format(module=module)] if filters else []
            outcome = run(binaries[name], chosen, environment, arguments.seconds, copy.source / crate)
            if outcome != "passed":
                return outcome
        return "survived"

    if verdict(0, "") != "survived":
        sys.exit("the tests fail without any mutant")
    count, survivors, began = collections.Counter(), [], time.time()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = pool.map(lambda mutant: (mutant, verdict(mutant.number, module(mutant))), mutants)
        for mutant, outcome in outcomes:
            if outcome == "survived" and explanation(mutant):
                outcome = "explained"
            count[outcome] += 1
            if outcome == "survived":
                survivors.append(mutant)
            print(f"{outcome:10} {mutant.path}:{mutant.line}: {mutant.text} -> {mutant.new}", flush=True)
    count["do not compile"] = len(chosen) - len(mutants)
    print(dict(count), f"of {len(every)} mutants in {time.time() - began:.0f} s")
    for mutant in survivors:
        print(f"SURVIVED {mutant.path}:{mutant.line}: {mutant.text} -> {mutant.new}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
