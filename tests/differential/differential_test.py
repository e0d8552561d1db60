#!/usr/bin/env python3
"""What the differential test makes of watches that end before they have told what was recorded."""
import contextlib, io, json, pathlib, re, sys, tempfile, unittest
from unittest import mock

import differential
from differential import get

EVENTS = [{"type": "ADDED", "object": {"metadata": {"name": name}}} for name in "ab"]


class Server:
    """Tells of a watch the events that `tells` says, by its path and how long it may take."""

    def __init__(self, tells):
        self.tells, self.asked = tells, []

    def send(self, s, _):
        self.asked.append(s["path"])
        seconds = int(re.search(r"timeoutSeconds=(\d+)", s["path"])[1])
        text = "".join(json.dumps(event) + "\n" for event in self.tells(s["path"], seconds))
        return {"status": 200, "type": "application/json", "warning": None, "text": text}


def run(watches, tells):
    """The exit code, the report, what was said on stderr, and the paths that were asked for."""
    steps = [get(f"watch {i}", f"/{i}?watch=true&timeoutSeconds=1", compare="lines") for i in range(watches)]
    recorded = [{"id": s["id"], "answer": {"status": 200, "type": "application/json", "events": EVENTS}} for s in steps]
    server, out, err = Server(tells), io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "goldens").mkdir()
        (folder / "goldens" / "w.json").write_text(json.dumps(recorded))
        with mock.patch.object(differential, "Server", lambda _: server), \
             mock.patch.object(differential, "scenarios", lambda *_: [(folder, "w", steps)]), \
             mock.patch.object(sys, "argv", ["differential.py", "run", "--server", "-"]), \
             contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                differential.main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue(), server.asked


class CutShort(unittest.TestCase):
    def test_a_busy_machine_is_given_more_time(self):
        slow = {"/0", "/3"}
        code, out, err, asked = run(5, lambda path, seconds: EVENTS if path[:2] not in slow or seconds > 5 else EVENTS[:1])
        self.assertEqual((code, len(asked)), (0, 7), out)
        self.assertIn("w: 5 of 5 equal", out)
        self.assertIn("watch 0: the watch was cut short", err)
        self.assertIn("watch 3: the watch was cut short", err)

    def test_events_that_never_come_are_missed_after_one_repetition(self):
        code, out, _, asked = run(3, lambda path, _: EVENTS[:1] if path.startswith("/1") else EVENTS)
        self.assertEqual((code, len(asked)), (0, 4), out)
        self.assertIn("w: 2 of 3 equal", out)

    def test_events_that_only_come_when_asked_again_are_not_excused_for_long(self):
        asked_before = set()

        def forgetful(path, _):
            first = path[:2] not in asked_before
            asked_before.add(path[:2])
            return [] if first else EVENTS

        code, out, _, _ = run(differential.WATCHES_AGAIN_MAX, forgetful)
        self.assertEqual(code, 0, out)
        asked_before.clear()
        code, out, _, _ = run(differential.WATCHES_AGAIN_MAX + 1, forgetful)
        self.assertEqual(code, 1, out)
        self.assertIn("watches were cut short", out)

    def test_other_events_than_recorded_are_not_asked_for_again(self):
        code, out, err, asked = run(2, lambda path, _: EVENTS[1:] if path.startswith("/1") else EVENTS)
        self.assertEqual((len(asked), err), (2, ""), out)
        self.assertIn("w: 1 of 2 equal", out)


if __name__ == "__main__":
    unittest.main()
