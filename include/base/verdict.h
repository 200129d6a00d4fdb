/* The verdict on a case, a scenario, a run or a matrix. */
#ifndef PORTREUSE_BASE_VERDICT_H
#define PORTREUSE_BASE_VERDICT_H

/* In ascending order of weight: the verdict on several is the heaviest of them, except that SKIP
 * yields to PASS if anything ran. */
enum verdict {
    VERDICT_PASS,
    VERDICT_SKIP,  /* it cannot run here */
    VERDICT_FAIL,  /* the kernel answered differently */
    VERDICT_ERROR, /* the tool or its environment failed */
    VERDICTS,
};

/* "PASS", static. */
const char *verdict_name(enum verdict verdict);

#endif
