"""``python -m conviqt_cli`` is the ``conviqt`` command."""

from conviqt_cli.cli.main import main

if __name__ == "__main__":
    main()
