# Written by tools/stubs.py; do not edit.

from pyxtorch.vision.io.image import ImageReadMode as ImageReadMode
from pyxtorch.vision.io.image import decode_avif as decode_avif
from pyxtorch.vision.io.image import decode_gif as decode_gif
from pyxtorch.vision.io.image import decode_heic as decode_heic
from pyxtorch.vision.io.image import decode_image as decode_image
from pyxtorch.vision.io.image import decode_jpeg as decode_jpeg
from pyxtorch.vision.io.image import decode_png as decode_png
from pyxtorch.vision.io.image import decode_webp as decode_webp
from pyxtorch.vision.io.image import encode_jpeg as encode_jpeg
from pyxtorch.vision.io.image import encode_png as encode_png
from pyxtorch.vision.io import image as image
from pyxtorch.vision.io.image import read_file as read_file
from pyxtorch.vision.io.image import read_image as read_image
from pyxtorch.vision.io.image import write_file as write_file
from pyxtorch.vision.io.image import write_jpeg as write_jpeg
from pyxtorch.vision.io.image import write_png as write_png
