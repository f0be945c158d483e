#!/usr/bin/env python3
"""Opens the pages of the models in a browser and uses them: steps through, changes numbers, compares with the interpreter.

    python3 tests/outside/report.py [a folder for screenshots]

It needs `pip install playwright` and a Chromium, whether installed by `playwright install chromium` or by the system,
and is skipped without them.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Two texts of different order: the interpreter's graph is made stable first, the page's is not.
TOLERANCE = 1e-9
SHOTS = ["digits-Digits", "logistic-Logistic", "slide-Slide", "inception-Inception"]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(0)


def launch(playwright):
    """The browser that there is."""
    paths = [None, *filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"]))]
    for path in paths:
        try:
            return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Exception as error:  # whatever a missing browser raises
            reason = str(error).splitlines()[0]
    skip(f"there is no Chromium ({reason})")


def close(ours, theirs):
    scale = max([1e-3, *map(abs, theirs)])
    return len(ours) == len(theirs) and all(abs(a - b) <= TOLERANCE * scale for a, b in zip(ours, theirs))


def compare(page, case, name):
    for what in ["values", "adjoints"]:
        for leaf, expected in case[what].items():
            found = page.evaluate(f"report.{what[:-1]}({json.dumps(leaf)})")
            assert close(found, expected), f"{name}: {what} of {leaf}: {found[:4]}, not {expected[:4]}"


def change(page, edit):
    """Types a number into its field."""
    field = page.locator(f'#leaves input[data-leaf="{edit["leaf"]}"][data-at="{edit["at"]}"]')
    if field.count():
        field.fill(str(edit["value"]))
        return
    text = page.get_by_label(edit["leaf"], exact=True)
    numbers = text.input_value().split(" ")
    numbers[edit["at"]] = str(edit["value"])
    text.fill(" ".join(numbers))


def use(page, path, cases, shots):
    name = path.stem
    noise = []
    page.on("console", lambda message: noise.append(message.text) if message.type in ["error", "warning"] else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else noise.append(request.url))
    page.goto(path.as_uri())

    # By keyboard: to the start, through all steps, back.
    steps = page.evaluate("report.steps()")
    page.keyboard.press("Home")
    assert page.evaluate("report.step()") == 0
    for step in range(steps):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("report.step()") == step + 1
        story = page.locator("#story").inner_text()
        assert f"Step {step + 1} of {steps}" in story and "undefined" not in story and "NaN" not in story, story
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("report.step()") == steps - 1
    page.keyboard.press("End")

    # Every box and every edge has something to say.
    for item in page.locator(".nn .box").all() + page.locator(".nn .edge[data-from]").all():
        item.dispatch_event("click")
        details = page.locator("#details").inner_text()
        assert len(details) > 20 and "undefined" not in details, f"{name}: {details}"
    box = page.locator(".nn .box").first
    box.focus()
    page.keyboard.press("Enter")
    assert page.locator(".nn .box.chosen").count() == 1
    linked = page.locator("#code .line.linked")
    assert linked.count() > 0, f"{name}: no line of code leads to a value"
    linked.first.click()
    assert page.locator("#code .line.marked").count() > 0

    for case in cases:
        for edit in case["edits"]:
            change(page, edit)
        compare(page, case, name)
    if cases:
        page.locator("#reset").click()
        compare(page, cases[0], name)

    if shots and name in SHOTS:
        for scheme in ["light", "dark"]:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{shots}/{name}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        for _ in range(steps // 3):
            page.keyboard.press("ArrowLeft")
        page.screenshot(path=f"{shots}/{name}-step.png", full_page=True)
        page.set_viewport_size({"width": 420, "height": 800})
        page.screenshot(path=f"{shots}/{name}-narrow.png", full_page=True)
    assert not noise, f"{name}: {noise}"


def main():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("there is no playwright; pip install playwright")
    shots = sys.argv[1] if len(sys.argv) > 1 else None
    if shots:
        pathlib.Path(shots).mkdir(parents=True, exist_ok=True)
    models = sorted([*ROOT.glob("tests/models/*.rs"), *ROOT.glob("nn-compiler/examples/models/*.rs")])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        command = ["cargo", "run", "--quiet", "-p", "nn-compiler", "--features", "report", "--example", "report", "--"]
        subprocess.run([*command, folder, *models], cwd=ROOT, check=True)
        pages = sorted(pathlib.Path(folder).glob("*.html"))
        for path in pages:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            cases = json.loads(path.with_suffix(".reference.json").read_text())
            use(page, path, cases, shots)
            page.close()
            print(f"{path.stem}: " + ("as the interpreter computes" if cases else "without numbers"))
        browser.close()
    print(f"{len(pages)} pages")


if __name__ == "__main__":
    main()
