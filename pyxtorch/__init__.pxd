from pyxtorch.api cimport *
