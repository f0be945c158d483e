"""Breaks the compiler and the kernels, one token at a time, and shows which tests notice.

    python3 tests/outside/mutants.py compiler            every mutant of derivative rules, meanings and rewrites
    python3 tests/outside/mutants.py kernels --every 5   every fifth mutant of the kernels
    python3 tests/outside/mutants.py compiler --list     only says what would be broken

The sources are copied to a folder of their own (--work), where each mutant is one edit: another sign, another
operation, factor, comparison or operand. A mutant is killed when a test fails, or does not end within its time; it is
no mutant when it does not compile. What survives is printed at the end, and the exit status is 1, unless EXPLAINED
says why nothing can notice it.
"""

import argparse
import collections
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: What is broken, and the tests that have to notice: what survives the first meets the next.
TARGETS = {
    "compiler": (
        ["nn-compiler/src/ops/*.rs", "nn-compiler/src/optimize/*.rs", "nn-compiler/src/grad.rs", "nn-compiler/src/term.rs"],
        [["-p", "nn-compiler", "--lib"], ["-p", "nn-compiler", "--test", "programs"]],
    ),
    "kernels": (
        ["nn-runtime/src/kernels/*.rs", "nn-runtime/src/kernels/lane_math/*.rs"],
        [["-p", "nn-runtime", "--lib", "--config", "profile.dev.package.nn-runtime.opt-level=1", "kernels"]],
    ),
}

#: Files without arithmetic of their own, and tests.
SKIPPED = {"mod.rs", "tests.rs", "testing.rs", "layout.rs", "buffer.rs", "params.rs", "compiled.rs", "simd.rs"}

#: (pattern, replacement): every match on every line of code is a mutant.
EDITS = [
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r" / ", " * "),
    (r" \+= ", " -= "),
    (r"(?<=[(\[|] )-(?=[a-z(])", ""),
    (r"(?<=[(\[])-(?=[a-z(])", ""),
    (r"\b0\.5\b", "0.25"),
    (r"\b1\.0\b", "2.0"),
    (r"\b2\.0\b", "3.0"),
    (r"\b0\.0(?=[,)])", "1.0"),
    (r" > ", " >= "),
    (r" < ", " <= "),
    (r" >= ", " > "),
    (r" <= ", " < "),
    (r" == ", " != "),
    (r"&GE\b", "&GT"),
    (r"&GT\b", "&LT"),
    (r"&LE\b", "&GE"),
    (r"&LT\b", "&GT"),
    (r"&EQ\b", "&NE"),
    (r"\.simd_gt\(", ".simd_lt("),
    (r"\.simd_lt\(", ".simd_gt("),
    (r"\bx\[0\]", "x[1]"),
    (r"\bx\[1\]", "x[0]"),
    (r"\bat\.y\b", "at.x[0]"),
    (r"\bd \* ", ""),
    (r" && ", " || "),
    (r"\.copysign\(x\)", ""),
]

#: Lines that are no mathematics: names, messages, notation, imports, attributes.
NO_MATHS = re.compile(
    r"^\s*(//|#\[|use |pub use |mod |name:|also:|args:|Arg::|notation:|undefined:|assert|debug_assert|\"|flops)"
    r"|Formula|Style|style|format!|help\(|Mismatch|Level::|panic!"
)

#: (end of file name, start of the line, replacement): why no test can notice.
EXPLAINED = {
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

#: A test that runs longer than this, building included, never ends. A busy machine needs more (--seconds).
SECONDS = 300

Mutant = collections.namedtuple("Mutant", "path line start end new text")


def mutants(patterns):
    """Every mutant, in the order of files and lines."""
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.name in SKIPPED:
                continue
            for number, line in enumerate(path.read_text().splitlines()):
                if line.startswith("mod tests {"):
                    break
                if NO_MATHS.search(line):
                    continue
                code = line.split("//")[0]
                for old, new in EDITS:
                    for match in re.finditer(old, code):
                        yield Mutant(path.relative_to(ROOT), number, match.start(), match.end(), new, line.strip())


def explanation(mutant):
    """Why this mutant may survive, or nothing."""
    for (name, start, new), reason in EXPLAINED.items():
        if str(mutant.path).endswith(name) and mutant.text.startswith(start) and mutant.new.strip() == new:
            return reason
    return None


def limit():
    """A rewrite that feeds itself must not take the machine's memory."""
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


def verdict(work, stages, seconds):
    """`killed`, `survived`, `endless` or `does not build`."""
    for arguments in stages:
        outcome = tested(work, arguments, seconds)
        if outcome != "survived":
            return outcome
    return "survived"


def tested(work, arguments, seconds):
    """The same for one set of tests."""
    command = ["cargo", "test", "--offline", "--quiet", *arguments]
    environment = dict(os.environ, CARGO_TARGET_DIR=str(work / "target"), RUSTFLAGS="-Awarnings")
    process = subprocess.Popen(
        command, cwd=work / "source", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, preexec_fn=limit, text=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds * 2 if "nn-runtime" in arguments else seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "endless"
    if "could not compile" in output:
        return "does not build"
    return "survived" if process.returncode == 0 else "killed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--every", type=int, default=1, help="only one mutant of so many")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for the tests of a mutant")
    parser.add_argument("--list", action="store_true", help="only say what would be broken")
    parser.add_argument("--work", default="/tmp/mutants", help="a folder for the copy and what is built from it")
    arguments = parser.parse_args()
    patterns, tests = TARGETS[arguments.target]
    chosen = [mutant for mutant in mutants(patterns) if arguments.only in str(mutant.path)][:: arguments.every]
    if arguments.list:
        for mutant in chosen:
            print(f"{mutant.path}:{mutant.line + 1}: {mutant.text} -> {mutant.new!r} at {mutant.start}")
        print(len(chosen), "mutants")
        return 0

    work = pathlib.Path(arguments.work) / arguments.target
    source = work / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    # Also what is not committed yet.
    for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    if verdict(work, tests, arguments.seconds) != "survived":
        sys.exit("the tests fail without any mutant")

    count = collections.Counter()
    survivors = []
    began = time.time()
    for mutant in chosen:
        path = source / mutant.path
        original = path.read_text()
        lines = original.splitlines(keepends=True)
        line = lines[mutant.line]
        lines[mutant.line] = line[: mutant.start] + mutant.new + line[mutant.end :]
        path.write_text("".join(lines))
        try:
            outcome = verdict(work, tests, arguments.seconds)
        finally:
            path.write_text(original)
        if outcome == "survived" and explanation(mutant):
            outcome = "explained"
        count[outcome] += 1
        if outcome == "survived":
            survivors.append(mutant)
        print(f"{outcome:15} {mutant.path}:{mutant.line + 1}: {lines[mutant.line].strip()}", flush=True)
    print(dict(count), f"in {time.time() - began:.0f} s")
    for mutant in survivors:
        print(f"SURVIVED {mutant.path}:{mutant.line + 1}: {mutant.text} -> {mutant.new!r} at {mutant.start}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
