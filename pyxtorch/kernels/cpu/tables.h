/* What the module of a level is made of, beside the kernels. */
#pragma once
#include "pyxtorch/formulas.h"
#include "pyxtorch/kernel_table.h"

/* The table of a family with what is said of it (tables.cpp); NULL where nothing is. */
const pyx_table* pyx_described(const char* family, const void* kernels);
/* formulas.cpp */
const pyx_formula* pyx_all_formulas(int* count);
