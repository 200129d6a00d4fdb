/* Any bytes as a scenario file: no crash, and each error can be printed. A valid one is laid out on
 * a board, as if it were to run. */
#include <stdint.h>
#include <stdio.h>

#include "engine/board.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    struct errors errors = {0};
    struct scenario *scenario = scenario_parse("fuzz", NULL, (const char *)data, size, &errors);
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    errors_print(&errors, nowhere);
    for (size_t i = 0; errors.count == 0 && i < scenario->case_count; i++) {
        scenario_declared_ns(scenario, i);
        board_free(board_new(scenario, i));
    }
    errors_free(&errors);
    scenario_free(scenario);
    return 0;
}
