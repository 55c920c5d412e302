"""What mmengine needs to run on current versions of torch."""


def install() -> None:
    """Prepare mmengine for use; called once on import."""
