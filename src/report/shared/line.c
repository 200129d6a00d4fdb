#include "report/shared/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

FILE *line_begin(struct line *line) {
    *line = (struct line){0};
    line->out = open_memstream(&line->text, &line->size);
    return line->out;
}

size_t line_end(struct line *line, char *text) {
    bool whole = line->out != NULL && fclose(line->out) == 0;
    size_t length = whole ? utf8_cut(line->text, REPORT_LINE_SIZE - 1) : 0;
    if (length > 0)
        memcpy(text, line->text, length);
    text[length] = '\0';
    free(line->text);
    return whole ? line->size : 0;
}
