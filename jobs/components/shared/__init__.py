"""What the built-in programs share: the data folder, manifests, progress, errors. No Django, nothing of the site.

A program's `main.py` makes the checkout importable and hands its `main` to `programs.run`:

    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

    from jobs.components.shared import programs

    def main(folder: DataFolder) -> None: ...

    if __name__ == "__main__":
        programs.run(main)
"""
