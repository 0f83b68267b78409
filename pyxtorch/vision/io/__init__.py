"""torchvision.io: files of images, read and written by Pillow."""
from pyxtorch.vision.io.image import *  # noqa: F403
