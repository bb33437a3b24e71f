"""`sequin-admin`, or a sentence where only the client library was installed."""

import sys


def main() -> None:
    try:
        from sequin_admin.command_line import program
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("sequin_admin"):
            raise
        print(
            f"The command line needs {missing.name}, which is not installed here. "
            "Install it with pip install 'sequin-admin[cli]'.",
            file=sys.stderr,
        )
        sys.exit(2)
    program.main()


if __name__ == "__main__":
    main()
