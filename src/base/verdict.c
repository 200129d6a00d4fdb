#include "base/verdict.h"

const char *verdict_name(enum verdict verdict) {
    static const char *const names[VERDICTS] = {"PASS", "SKIP", "FAIL", "ERROR"};
    return names[verdict];
}
