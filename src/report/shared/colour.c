#include "report/shared/colour.h"

const char *colour_begin(bool wanted, enum verdict verdict) {
    static const char *const begin[VERDICTS] = {[VERDICT_PASS] = "\x1b[32m",
                                                [VERDICT_SKIP] = "\x1b[33m",
                                                [VERDICT_FAIL] = "\x1b[1;31m",
                                                [VERDICT_ERROR] = "\x1b[1;35m"};
    return wanted ? begin[verdict] : "";
}

const char *colour_end(bool wanted) {
    return wanted ? "\x1b[0m" : "";
}
