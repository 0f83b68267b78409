"""The torchvision whose names and behaviour this has."""
__version__ = "0.28.0"
git_version = "Unknown"
