"""``make test``: every test that can run here; says at the end what was left out, and why.

All of them on SQLite; on PostgreSQL once more what touches a database, except in a browser: its pages are drawn from
the same answers.

Arguments go to pytest. ``TUTTI_TEST_POSTGRES`` and ``TUTTI_TEST_MARIADB`` are URLs of servers where
databases may be created, ``TUTTI_TEST_CHROMIUM`` is a browser. With ``TUTTI_TEST_REQUIRE_ALL=1`` anything left out is a
failure. ``TUTTI_TEST_SUMMARY`` names a file for the last line, so that nobody needs to read along for it.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import dj_database_url
import psycopg
import pymysql

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_POSTGRES = "postgres://postgres@127.0.0.1:5432/tutti"
DEFAULT_MARIADB = "mysql://root@127.0.0.1:3306/mysql"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell"]
MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
NO_TESTS_COLLECTED = 5
PROCESSES = (os.cpu_count() or 1) + 2
"""Half of the tests wait for processes most of their time."""


@dataclass
class Tally:
    """What the runs so far came to; ``left_out`` holds one sentence per thing that did not run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def executed(self) -> int:
        return self.passed + self.failed


def main(arguments: list[str]) -> int:
    require_all = os.environ.get("TUTTI_TEST_REQUIRE_ALL", "") not in {"", "0"}
    tally = Tally()
    browser = find_browser()
    if not browser:
        tally.left_out.append("Browser tests: no Chromium was found (name one in TUTTI_TEST_CHROMIUM).")
    postgres = os.environ.get("TUTTI_TEST_POSTGRES", "").strip() or DEFAULT_POSTGRES
    problem = find_problem_with(postgres)
    if problem:
        tally.left_out.append(f"Everything on PostgreSQL: {problem} (name a server in TUTTI_TEST_POSTGRES).")
    mariadb = find_problem_with_mariadb(os.environ.get("TUTTI_TEST_MARIADB", "").strip() or DEFAULT_MARIADB)
    if mariadb:
        tally.left_out.append(f"Components on MariaDB: {mariadb} (name a server in TUTTI_TEST_MARIADB).")
    if require_all and tally.left_out:
        print_left_out(tally.left_out)
        return 1

    absent = ["browser"] * (not browser) + ["postgres_server"] * bool(problem) + ["mariadb"] * bool(mariadb)
    try:
        run("SQLite", None, browser, ["postgres", *absent], arguments, tally)
        if not problem:
            run("PostgreSQL", postgres, None, ["sqlite", "browser"], arguments, tally)
    except KeyboardInterrupt:
        tally.broken.append("interrupted")
    if not tally.executed and not tally.broken:
        tally.broken.append("no test was executed")
    return close(tally, require_all)


def find_browser() -> str | None:
    wanted = os.environ.get("TUTTI_TEST_CHROMIUM", "").strip()
    if wanted:
        return shutil.which(wanted)
    candidates = [*BROWSERS, MAC_BROWSER] if platform.system() == "Darwin" else BROWSERS
    return next(filter(None, map(shutil.which, candidates)), None)


def find_problem_with(url: str) -> str | None:
    """Why the tests cannot use this server; None when they can."""
    settings = dj_database_url.parse(url)
    try:
        with psycopg.connect(
            host=settings["HOST"] or None,
            port=settings["PORT"] or None,
            user=settings["USER"] or None,
            password=settings["PASSWORD"] or None,
            dbname="postgres",
            connect_timeout=5,
        ) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        return f"no server answers at {settings['HOST']}:{settings['PORT'] or 5432}, {str(error).splitlines()[0]}"
    return None if row and row[0] else f"the user {settings['USER']} may not create databases"


def find_problem_with_mariadb(url: str) -> str | None:
    """Why components cannot be tested on this server; None when they can."""
    settings = dj_database_url.parse(url)
    port = int(settings["PORT"] or 3306)
    try:
        with pymysql.connect(
            host=settings["HOST"],
            port=port,
            user=settings["USER"],
            password=settings["PASSWORD"],
            connect_timeout=5,
        ) as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW GRANTS")
            grants = [row[0] for row in cursor.fetchall()]
    except pymysql.OperationalError as error:
        return f"no server answers at {settings['HOST']}:{port}, {error.args[-1]}"
    may = any("ON *.*" in grant and ("ALL PRIVILEGES" in grant or "CREATE USER" in grant) for grant in grants)
    return None if may else f"the user {settings['USER']} may not create databases and users"


def run(
    database: str, url: str | None, browser: str | None, without: list[str], arguments: list[str], tally: Tally
) -> None:
    """One pytest run; adds its outcome to the tally. ``without``: the marks of tests that it leaves out."""
    marks = [f"not {mark}" for mark in ("chaos", *without)]
    print(f"\n=== {database} ===", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tutti-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            str(PROCESSES),
            "--dist",
            "loadgroup",  # one by one, and what shares a group by the same process
            "-m",
            " and ".join(marks),
            f"--junitxml={report}",
            *arguments,
        ]
        print("$", shlex.join([*command[1:7], *arguments]), flush=True)
        code = subprocess.run(command, cwd=ROOT, env=build_environment(url, browser), check=False).returncode
        if report.exists():
            add_report(report, database, tally)
    if code not in {0, 1, NO_TESTS_COLLECTED}:
        tally.broken.append(f"pytest on {database} ended with code {code}")
    elif code == 1 and not tally.failed:
        tally.broken.append(f"pytest on {database} failed")
    print(f"=== {database}: {time.monotonic() - started:.0f} s ===", flush=True)


def build_environment(url: str | None, browser: str | None) -> dict[str, str]:
    """The caller's, less every setting of a site that runs here; and what was compiled is kept for the next process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
        and (not name.startswith("TUTTI_") or name.startswith("TUTTI_TEST_"))
    }
    if url:
        environment |= {"DATABASE_URL": url, "TUTTI_TEST_ONLY_DATABASE": "1"}
    if browser:
        environment["TUTTI_TEST_CHROMIUM"] = browser
    return environment


def add_report(report: Path, database: str, tally: Tally) -> None:
    reasons: dict[str, int] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        skip = case.find("skipped")
        if skip is not None and skip.get("type") != "pytest.xfail":
            reason = skip.get("message") or "no reason given"
            reasons[reason] = reasons.get(reason, 0) + 1
        elif case.find("failure") is not None or case.find("error") is not None:
            tally.failed += 1
        else:
            tally.passed += 1
    tally.skipped += sum(reasons.values())
    tally.left_out += [f"{count} skipped on {database}: {reason}" for reason, count in sorted(reasons.items())]


def close(tally: Tally, require_all: bool) -> int:
    if tally.left_out:
        print_left_out(tally.left_out)
    for sentence in tally.broken:
        print(f"FAILED: {sentence}.")
    summary = f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped"
    print(summary, flush=True)
    if wanted := os.environ.get("TUTTI_TEST_SUMMARY", ""):
        Path(wanted).write_text(f"{summary}\n", encoding="utf-8")
    return 1 if tally.failed or tally.broken or (require_all and tally.left_out) else 0


def print_left_out(sentences: list[str]) -> None:
    width = max(map(len, sentences)) + 2
    print("\n+" + "=" * (width + 2) + "+")
    print(f"| {'LEFT OUT':{width}} |")
    for sentence in sentences:
        print(f"| - {sentence:{width - 2}} |")
    print("+" + "=" * (width + 2) + "+", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
