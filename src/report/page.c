/* A report of any subject as a page, made from its summary and its text. */
#include <string.h>

#include "base/text.h"
#include "report/shared/layout.h"
#include "report/shared/page.h"
#include "report/subject.h"

const char *report_text(const struct report *report, struct composed *text) {
    struct report plain = *report;
    plain.colour = false;
    plain.quiet = false;
    report->subject->formats[0]->write(&plain, compose_begin(text));
    return compose_end(text);
}

void report_page(const struct report *report, FILE *out, report_picture *picture) {
    struct summary summary;
    struct page page;
    struct composed whole;
    layout_unfold(true);
    const char *text = report_text(report, &whole);
    layout_unfold(false);
    summarize(report, &summary);
    page_begin(&page, out, summary.line, severity_verdict(summary.severity));
    if (picture != NULL)
        picture(report, &page);
    page_plain(&page, text + strcspn(text, "\n"));
    page_end(&page);
    summary_free(&summary);
    compose_free(&whole);
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
