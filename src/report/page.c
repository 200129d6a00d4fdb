/* A report of any subject as a page, made from its summary and its text. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/shared/page.h"
#include "report/subject.h"

/* Returns the text of a report, without colour; the caller frees it. */
static char *text_of(const struct report *report) {
    struct report plain = *report;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        arena_out_of_memory();
    plain.colour = false;
    plain.quiet = false;
    report->subject->formats[0]->write(&plain, out);
    if (fclose(out) != 0 || text == NULL)
        arena_out_of_memory();
    return text;
}

void report_page(const struct report *report, FILE *out, report_picture *picture) {
    struct summary summary;
    struct page page;
    char *text = text_of(report);
    summarize(report, &summary);
    page_begin(&page, out, summary.line, severity_verdict(summary.severity));
    if (picture != NULL)
        picture(report, &page);
    page_plain(&page, text + strcspn(text, "\n"));
    page_end(&page);
    summary_free(&summary);
    free(text);
}

static void write_page(const struct report *report, FILE *out) {
    report_page(report, out, NULL);
}

const struct format format_page = {
    .name = "html",
    .extensions = ".html .htm",
    .line = "a page for a browser, in one file",
    .write = write_page,
};
