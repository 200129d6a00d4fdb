#include "report/shared/page.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* The colours are checked for contrast by tests/pages/run.sh, in both schemes. */
static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;"
    "--box:#f6f8fa;--pass:#116329;--skip:#7d4e00;--fail:#b3141d;--error:#8250df;--note:#fff8c5;"
    "--bad:#ffebe9}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9da7b1;"
    "--line:#3d444d;--box:#161b22;--pass:#56d364;--skip:#e3b341;--fail:#ff7b72;--error:#d2a8ff;"
    "--note:#2b2611;--bad:#3a1d1d}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:76rem;background:var(--bg);"
    "color:var(--fg);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}h2{font-size:1.15rem;margin:2rem 0 "
    ".5rem}\n"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}p{max-width:46rem;margin:.5rem 0}\n"
    "code,pre,svg text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}\n"
    "pre{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.75rem;"
    "font-size:13px;line-height:1.45;overflow-x:auto;white-space:pre-wrap}\n"
    "pre.copy{user-select:all;-webkit-user-select:all}\n"
    ".b{font-weight:700}.PASS{color:var(--pass)}.SKIP{color:var(--skip)}.FAIL{color:var(--fail)}"
    ".ERROR{color:var(--error)}\n"
    ".soft{color:var(--soft)}\n"
    "details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.25rem .75rem}\n"
    "summary{cursor:pointer;padding:.25rem 0}\n"
    "table{border-collapse:collapse;font-size:14px}td,th{border:1px solid var(--line);"
    "padding:.2rem .5rem;text-align:left;vertical-align:top}\n"
    ".wide{overflow-x:auto;margin:.5rem 0}svg{display:block}svg "
    "text{font-size:12px;fill:var(--fg)}\n"
    "svg .halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round}"
    "svg .lane{stroke:var(--line)}svg .arrow{stroke:var(--fg);fill:none}"
    "svg .head{fill:var(--fg)}svg .bad{stroke:var(--fail);fill:none}svg "
    ".badhead{fill:var(--fail)}\n"
    "svg text.FAIL{fill:var(--fail);font-weight:700}svg text.PASS{fill:var(--pass)}"
    "svg text.soft{fill:var(--soft)}svg text.b{font-weight:700}\n"
    "svg .box{fill:var(--box);stroke:var(--line)}svg .note{fill:var(--note);stroke:var(--line)}"
    "svg .badnote{fill:var(--bad);stroke:var(--fail)}svg .plot{stroke:var(--pass);fill:none;"
    "stroke-width:2}svg .used{fill:var(--fail)}svg .left{fill:var(--pass)}\n"
    "@media print{body{max-width:none;font-size:11pt}details{break-inside:avoid;border:0;padding:0}"
    "details::details-content{content-visibility:visible;height:auto}"
    "pre{white-space:pre-wrap}.wide{overflow:visible}svg{max-width:100%;height:auto}}\n";

void page_badge(const struct page *page, const char *word, enum verdict verdict) {
    fprintf(page->out, "<span class=\"b %s\">%s</span>", verdict_name(verdict), word);
}

static void print_text(const struct page *page, const char *text, size_t size) {
    utf8_print(page->text, text, size);
}

void page_begin(struct page *page, FILE *out, const char *line, enum verdict verdict) {
    *page = (struct page){.out = out, .text = escape_open(out, escape_xml)};
    size_t word = strcspn(line, " ");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"generator\" content=\"portreuse " PORTREUSE_VERSION "\">\n<title>",
          out);
    print_text(page, line, strlen(line));
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1><span class=\"%s\">",
            style, verdict_name(verdict));
    print_text(page, line, word);
    fputs("</span>", out);
    print_text(page, line + word, strlen(line + word));
    fputs("</h1>\n", out);
}

void page_end(struct page *page) {
    fputs("</main>\n</body>\n</html>\n", page->out);
    fclose(page->text);
}

void page_prose(const struct page *page, const char *heading, const char *text) {
    if (text == NULL)
        return;
    fprintf(page->out, "<h2>%s</h2>\n", heading);
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t size = end == NULL ? strlen(text) : (size_t)(end - text);
        fputs("<p>", page->out);
        for (size_t i = 0; i < size;) { /* a control character but for the newline is escaped */
            size_t part = strcspn(text + i, "\n");
            part = part > size - i ? size - i : part;
            print_text(page, text + i, part);
            i += part;
            fputs(i < size ? "\n" : "", page->out);
            i += i < size;
        }
        fputs("</p>\n", page->out);
        text += size + strspn(text + size, "\n");
    }
}

/* Returns whether the line at `text` is a heading: it stands at the margin, and the next line, if
 * it is not empty, is indented. */
static bool is_heading(const char *text) {
    size_t size = strcspn(text, "\n");
    return *text != ' ' && text[size] == '\n' && text[size + 1] == ' ';
}

/* Prints a paragraph at the margin, up to its end; returns the end. */
static const char *print_paragraph(const struct page *page, const char *text) {
    fputs("<p>", page->out);
    while (*text != '\0' && *text != '\n' && *text != ' ' && !is_heading(text)) {
        size_t size = strcspn(text, "\n");
        print_text(page, text, size);
        fputc('\n', page->out);
        text += size + (text[size] == '\n');
    }
    fputs("</p>\n", page->out);
    return text;
}

/* Prints indented lines as they are, up to the next that is not; returns the end. */
static const char *print_block(const struct page *page, const char *text) {
    fputs("<pre>", page->out);
    for (bool first = true; *text == ' ' || (*text == '\n' && text[1] == ' '); first = false) {
        size_t size = strcspn(text, "\n"), indent = size < 2 ? size : 2;
        fputs(first ? "" : "\n", page->out);
        print_text(page, text + indent, size - indent);
        text += size + (text[size] == '\n');
    }
    fputs("</pre>\n", page->out);
    return text;
}

void page_plain(const struct page *page, const char *text) {
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        if (size == 0) {
            text++;
        } else if (*text == ' ') {
            text = print_block(page, text);
        } else if (is_heading(text)) {
            fputs("<h2>", page->out);
            print_text(page, text, size);
            fputs("</h2>\n", page->out);
            text += size + 1;
        } else {
            text = print_paragraph(page, text);
        }
    }
}
