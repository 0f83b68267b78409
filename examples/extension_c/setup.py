from setuptools import Extension, setup

import pyxtorch

setup(ext_modules=[Extension("square", ["square.c"], include_dirs=[pyxtorch.get_include()], extra_compile_args=["-O3"])])
