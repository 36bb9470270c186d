"""The page of `snapfix report` in a real browser: read, searched, sorted, by keyboard, in both schemes, narrow and wide.

SNAPFIX_PICTURES=<folder> leaves a picture of each page there, to be looked at.
"""

import json
import os
import pathlib
import random
import time

import harness
from browser import browser
from harness import snapfix

k_counts = (0, 1, 20, 1000)
k_words = ("train", "eval", "grpo", "dpo", "sft", "ppo", "export", "quantize", "shard", "resume")
k_long = "x" * 200
k_odd = ("<script>window.pwned=1</script>", "\"quoted\" 'so'", "]]>&amp;", k_long, "\u202eright to left", "line\nbreak")


k_line = "-" * 58


def logged(name, when):
    """What ctest's log says of a test that failed."""
    start = time.strftime("%b %d %H:%M UTC", time.localtime(when))
    said = f"epoch 1\n{k_long * 5}\n</pre><script>window.pwned=1</script>\nRuntimeError: out of memory"
    return (f'1/1 Testing: {name}\n1/1 Test: {name}\nCommand: "x"\nDirectory: /\n"{name}" start time: {start}\nOutput:\n{k_line}\n{said}\n'
            f"<end of output>\nTest time =   1.00 sec\n{k_line}\nTest Failed.\n")


def past_run(name, when, seconds, night, outcome, details=None, host="node-0", ctest="/nowhere/build", **more):
    began = when + 0.4
    run = {
        "name": name, "host": host, "pid": 7, "ctest": ctest, "parent": {"host": "submitter", "pid": 4000 + night, "start_time": night},
        "times": {"asked": when, "taking": when + 0.1, "taken": when + 0.3, "began": began, "ended": began + seconds},
        "finishing": began + seconds, "finished": began + seconds + 0.2, "outcome": outcome,
        "reason": "its command ended with exit code 1" if outcome == "failed" else "", "why_kept": "",
        "tree": {"entries": 21504, "bytes": 246000000, "copied": 0, "handed_on": name[-1] != "0"}, **more}
    return {**run, "details": details} if details else run


def forge(root, count):
    """The histories of a night of so many tests, eight at once; every tenth failed."""
    chance = random.Random(count)
    folder = pathlib.Path(root) / ".snapfix/history"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    lanes, log = [1795600004.0] * 8, ""
    for i in range(count):
        name = f"{k_words[i % 10]}_{i:03}" if i % 100 != 9 or count < 20 else k_odd[i // 100 % len(k_odd)] + str(i)
        lane = min(range(8), key=lanes.__getitem__)
        seconds = chance.uniform(1, 60)
        failed = i % 10 == 3
        details = {"command": ["bash", f"tests/{name}.sh", k_long], "private": [{"path": "conf/" + k_odd[i % len(k_odd)], "program": "python3", "call": "openat"}],
                   "more_private": i % 3, "findings": ["'a' was changed through a link"] if i % 20 == 13 else [], "notes": [], "guard": "on", "pack": "",
                   "ended": "2026-11-25T01:00:00Z", "status": int(failed), "changes": {"private": 1 + i % 3, "bytes_private": 4000, "missing": 0, "added": i % 2}}
        runs = [past_run(name, lanes[lane], seconds, 0, "failed" if failed else "skipped" if i % 10 == 7 else "passed", details,
                         f"node-{lane % 3}", f"{root}/build")]
        if details["findings"]:
            runs[0]["reason"] = "shared files were changed, and its command ended with exit code 1"
        log += logged(name, lanes[lane]) if failed else ""
        lanes[lane] = runs[0]["finished"] + 0.05
        runs += [past_run(name, 1795600000.0 - 86400 * night, seconds * chance.uniform(0.4, 1.2), night, "failed" if night % 7 == 3 else "passed")
                 for night in range(1, i % 20)]
        (folder / f"t{i}").write_text(json.dumps({"version": 1, "runs": runs}))
    temporary = pathlib.Path(root) / "build/Testing/Temporary"
    temporary.mkdir(parents=True)
    (temporary / "LastTest.log").write_text(log)
    if count:
        freeze = past_run("/home/me/project", 1795600000.0, 0, 0, "passed", ctest=f"{root}/build")
        freeze["times"].update(taking=1795600000.0, taken=1795600003.0, began=0, ended=0)
        (folder / ("freeze:" + "0" * 32)).write_text(json.dumps({"version": 1, "runs": [freeze]}))


def pages(tmp, counts=k_counts):
    for count in counts:
        forge(tmp / str(count), count)
        snapfix("report", "--root", tmp / str(count), "-o", tmp / f"{count}.html")
        yield count, tmp / f"{count}.html"


def no_trouble(page):
    """Nothing was asked of a network, and nothing went wrong."""
    urls = {event["request"]["url"].split(":")[0] for event in page.events("Network.requestWillBeSent")}
    assert urls <= {"file", "data"}, urls
    assert not page.events("Runtime.exceptionThrown") and not page.events("Log.entryAdded"), page.events("Log.entryAdded")
    assert page.eval("window.pwned === undefined")


k_contrast = """(() => {
  const parse = (text) => { const m = text.match(/[\\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
  const light = ({ rgb }) => { const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a > 0) return c; } return { rgb: [255, 255, 255] }; };
  const poor = [];
  let seen = 0;
  const look = (what, colour, e) => {
    const [a, b] = [light(parse(colour)), light(ground(e))].sort((x, y) => y - x);
    ++seen;
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([what, colour, (a + 0.05) / (b + 0.05)]);
  };
  for (const e of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE", "title"].includes(e.tagName) || !e.checkVisibility({ contentVisibilityAuto: true })) continue;
    const style = getComputedStyle(e);
    if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) look(e.tagName + "." + e.getAttribute("class"), e.namespaceURI.endsWith("svg") ? style.fill : style.color, e);
    if (e.placeholder) look("placeholder", getComputedStyle(e, "::placeholder").color, e);
  }
  return { seen, poor };
})()"""


def test_every_size_and_scheme(tmp):
    pictures = os.environ.get("SNAPFIX_PICTURES")
    with browser() as chromium:
        for count, path in pages(tmp):
            for width in (360, 1400):
                for dark in (False, True):
                    if count == 1000 and not pictures and dark is (width == 360):
                        continue  # these take long
                    page = chromium.open(path, width=width, dark=dark)
                    assert page.eval("document.documentElement.scrollWidth <= innerWidth"), f"{count} tests, {width} wide"
                    assert page.eval("document.querySelectorAll('tbody').length") == count
                    assert page.eval("matchMedia('(prefers-color-scheme: dark)').matches") is dark
                    if count <= 20:
                        contrast = page.eval(k_contrast)
                        assert not contrast["poor"] and contrast["seen"] >= (count and 20), (count, width, dark, contrast)
                    no_trouble(page)
                    if pictures:
                        page.picture(f"{pictures}/{count}-{width}-{'dark' if dark else 'light'}.png")
                    page.close()


def test_what_failed_comes_first(tmp):
    with browser() as chromium:
        page = chromium.open(next(pages(tmp, (20,)))[1])
        assert page.eval("document.querySelector('h1').textContent") == page.eval("document.title") == "2 of 20 tests failed"
        # Within the first screen: each one's name and reason.
        for link in ("dpo_003", "dpo_013"):
            box = page.eval(f"""(() => {{ const li = [...document.querySelectorAll('#failed li')].find((l) => l.textContent.includes('{link}'));
                return [li.getBoundingClientRect().bottom, li.textContent]; }})()""")
            assert box[0] < 900 and "its command ended with exit code 1" in box[1] and "RuntimeError: out of memory" in box[1], box
        names = page.eval("[...document.querySelectorAll('tbody th')].map((th) => th.textContent)")
        assert names[:2] == ["dpo_003", "dpo_013"] and len(names) == 20, names
        assert page.eval("[...document.querySelectorAll('details')].map((d) => d.open)") == [True] * 2 + [False] * 18
        # A mark and a word, not the colour alone.
        assert page.eval("document.querySelector('tbody .o').textContent") == "✕ failed"
        assert page.eval("document.querySelectorAll('svg.line text').length") == 2


def test_a_long_output_begins_where_it_ends(tmp):
    with browser() as chromium:
        page = chromium.open(next(pages(tmp, (20,)))[1], width=360)
        sizes = page.eval("""(() => { const out = document.querySelector('.out'); const pre = out.firstChild.getBoundingClientRect();
            return [pre.height, out.clientHeight, pre.bottom - out.getBoundingClientRect().bottom]; })()""")
        assert sizes[0] > sizes[1] and abs(sizes[2]) < 2, sizes


def visible(page):
    return page.eval("[...document.querySelectorAll('tbody')].filter((t) => !t.hidden).map((t) => t.querySelector('th').textContent)")


def focused(page):
    return page.eval("document.activeElement.id || document.activeElement.textContent.trim()")


def test_keyboard(tmp):
    with browser() as chromium:
        page = chromium.open(next(pages(tmp, (20,)))[1])
        page.press("Tab")
        assert focused(page) == "dpo_003", "the first failure is the first stop"
        page.press("/")
        assert focused(page) == "q" and page.eval("document.getElementById('q').value") == ""
        page.type("dpo 013")
        assert visible(page) == ["dpo_013"] and page.eval("document.getElementById('hits').value") == "1 of 20"
        page.type("nothing")
        assert visible(page) == []
        page.press("Escape")
        assert len(visible(page)) == 20 and page.eval("document.getElementById('hits').value") == "" and focused(page) != "q"
        page.press("/")
        page.type("skipped")
        assert len(visible(page)) == 2
        page.press("Escape")
        page.press("/")
        page.press("Tab")
        assert focused(page) == "Test"
        page.press("Enter")
        sort = "document.querySelector('th[aria-sort]')"
        assert page.eval(f"[{sort}.textContent, {sort}.getAttribute('aria-sort')]") == ["Test", "ascending"]
        assert visible(page) == sorted(visible(page))
        page.press("Enter")
        assert page.eval(f"{sort}.getAttribute('aria-sort')") == "descending" and visible(page) == sorted(visible(page), reverse=True)
        for _ in range(5):
            page.press("Tab")
        assert focused(page) == "Command"
        page.press("Enter")
        seconds = page.eval("[...document.querySelectorAll('td[data-l=command]')].map((td) => Number(td.dataset.v))")
        assert seconds == sorted(seconds, reverse=True) and page.eval("document.querySelectorAll('th[aria-sort]').length") == 1
        page.press("Tab")
        page.press("Tab")
        page.press("Tab")
        assert page.eval("document.activeElement.tagName") == "SUMMARY", focused(page)
        was = page.eval("document.activeElement.parentElement.open")
        page.press("Enter")
        assert page.eval("document.activeElement.parentElement.open") is not was
        assert page.eval("getComputedStyle(document.activeElement).outlineStyle") == "solid", "one sees where one is"
        no_trouble(page)


def test_a_link_opens_the_test(tmp):
    with browser() as chromium:
        page = chromium.open(next(pages(tmp, (300,)))[1])
        assert page.eval("document.querySelectorAll('#failed li').length") == 10
        assert page.eval("[...document.querySelectorAll('details')].filter((d) => d.open).length") == 20
        page.press("/")
        page.type("dpo_013")
        page.eval("location.hash = '#t50'")
        harness.eventually(lambda: page.eval("document.querySelector('#t50 details').open"), "it opens")
        assert page.eval("!document.getElementById('t50').hidden"), "though it was not searched for"
        no_trouble(page)


def test_without_script_and_printed(tmp):
    with browser() as chromium:
        path = next(pages(tmp, (20,)))[1]
        page = chromium.open(path, script=False)
        text = page.eval("document.body.innerText")
        for words in ("2 of 20 tests failed", "dpo_013", "its command ended with exit code 1", "'a' was changed through a link", "What it took"):
            assert words in text, words
        assert page.eval("document.querySelector('form').checkVisibility()") is False
        assert page.eval("[...document.querySelectorAll('thead button')].every((b) => b.disabled)")
        page.close()
        page = chromium.open(path, media="print", dark=True)
        assert page.eval("document.querySelector('form').checkVisibility()") is False
        assert page.eval("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_what_gets_in_does_nothing(tmp):
    """Even if something was not escaped, it would not run and would reach nobody."""
    with browser() as chromium:
        page = chromium.open(next(pages(tmp, (1,)))[1])
        page.eval("""(() => { addEventListener('securitypolicyviolation', (e) => (window.kept ||= []).push(e.violatedDirective));
            document.body.insertAdjacentHTML('beforeend', '<img src="x.png" onerror="window.pwned=1"><iframe src="about:blank"></iframe>');
            const script = document.createElement('script'); script.textContent = 'window.pwned = 1'; document.body.append(script);
            fetch('http://127.0.0.1:9/').catch(() => 0); })()""")
        kinds = ("script-src", "img-src", "connect-src")
        harness.eventually(lambda: all(any(kind in k for k in page.eval("window.kept || []")) for kind in kinds), "each is refused")
        assert page.eval("window.pwned === undefined")


if __name__ == "__main__":
    harness.main()
