/* Special functions, scalar. */
#pragma once
#include "math_more.h"
