from setuptools import setup

from pyxtorch.utils.cpp_extension import BuildExtension, CppExtension

setup(ext_modules=[CppExtension("smooth", ["smooth.pyx"], extra_compile_args=["-O3"])], cmdclass={"build_ext": BuildExtension})
