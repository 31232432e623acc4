#include "sinks/options.h"
