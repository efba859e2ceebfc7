"""Says that there is nothing to run: a configuration of this component only declares a schedule."""

import sys


def main() -> int:
    print("This configuration declares a schedule. Make it active by POST /scheduler/schedules.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
