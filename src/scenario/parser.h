/* What the parts of the parser share. Nothing outside includes this.
 *
 *   parse.c          the file, line by line
 *   parse_line.c     what kind of line it is: keyword, a step, its role
 *   parse_header.c   title, tags, needs, slow, why, fix
 *   parse_section.c  setup, case, blocks
 *   parse_step.c     the arguments of each verb, and what a step changes in the story
 *   parse_address.c  addresses and references
 *   parse_want.c     what stands behind `->`
 *   parser.c         what all of them need: mistakes, words, names
 *
 * A line with a mistake is reported once, and then taken as what it was most likely meant to be, so
 * that one mistake gives one message and the lines below it are still judged.
 */
#ifndef PORTREUSE_SCENARIO_PARSER_H
#define PORTREUSE_SCENARIO_PARSER_H

#include "scenario/lex.h"
#include "scenario/scenario.h"

/* What is known at a line of the story so far: which roles run, which sockets they have. Each case
 * starts again from where the setup ended. */
enum role_state { ROLE_UNBORN, ROLE_RUNS, ROLE_SERVES, ROLE_ENDED };
enum socket_state { SOCKET_NEVER, SOCKET_OPEN, SOCKET_CLOSED };

struct flow {
    unsigned char role[SCENARIO_ROLES_MAX];                           /* enum role_state */
    unsigned char socket[SCENARIO_ROLES_MAX][SCENARIO_SOCKETS_MAX];   /* enum socket_state */
    unsigned char has_peer[SCENARIO_ROLES_MAX][SCENARIO_SOCKETS_MAX]; /* bool */
};

enum part { PART_HEADER, PART_SETUP, PART_CASE };

/* A section or a block that is open: the line that opened it, and how many mistakes there were. */
struct opened {
    struct line line;
    size_t mistakes;
};

struct parser {
    struct scenario *scenario;
    struct mistakes *mistakes;
    const char *file;
    struct line line;
    bool line_is_wrong;      /* this line has a mistake already */
    bool after_unknown_verb; /* which may have been meant to open a block: these are its lines */
    struct arena scratch;    /* owned: what is not needed behind the end of the text, as words */

    const char **prose; /* the text that the indented lines belong to, or NULL */
    const char *prose_start, *prose_end;
    const char *stray_prose; /* of a `why` or `fix` that stands where it may not */

    enum part part;
    bool setup_is_implied; /* by a step that stood before any section */
    struct section *section;
    struct opened in_section;
    struct flow flow;
    struct flow after_setup;

    bool in_block;
    size_t block; /* index of the step that opened it */
    struct opened in_block_of;
    unsigned inner_blocks; /* wrongly opened inside that block */
    bool missed_end;       /* a block was closed without its `end`, which may still come */
    bool too_many_steps;
};

/* --- parser.c --- */

/* Adds a mistake at a word of the present line; NULL stands for the end of the line. */
void parser_mistake(struct parser *parser, const struct word *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at `text`, a place inside the word's text. */
void parser_mistake_in(struct parser *parser, const struct word *word, const char *text,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A mistake that shows only later, at the start of an earlier line. The present line is not wrong.
 */
void parser_mistake_at(struct parser *parser, const struct line *line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A copy of the word's text that stays with the scenario. */
const char *parser_keep(struct parser *parser, const struct word *word);

/* The words of the present line that are still to be read. */
struct cursor {
    const struct line *line;
    size_t next, end; /* indexes of words */
};

/* The words behind the first `skipped` of the present line. */
struct cursor cursor_behind(const struct parser *parser, size_t skipped);

/* The next word, or NULL at the end; _take also moves on. */
const struct word *cursor_peek(const struct cursor *cursor);
const struct word *cursor_take(struct cursor *cursor);

/* Whether a word is this one, unquoted; _skip asks that of the next one, and takes it if so. */
bool word_is(const struct word *word, const char *text);
bool cursor_skip(struct cursor *cursor, const char *word);

/* Takes the next word; if there is none, that is a mistake: "a TIME is missing". */
const struct word *cursor_need(struct parser *parser, struct cursor *cursor, const char *what);

/* Says if words are left; `usage` is how the line is written, or NULL. */
void cursor_need_no_more(struct parser *parser, const struct cursor *cursor, const char *usage);

/* The keyword or the verb that a word is, unquoted; KEYWORDS or VERB_NONE if it is none, or NULL.
 */
enum keyword word_keyword(const struct word *word);
enum verb word_verb(const struct word *word);

/* The index of a role, or of a socket's name, added if it is new; -1 with a mistake if it cannot be
 * one, or if there are too many. */
int parser_role(struct parser *parser, const struct word *word);
int parser_socket(struct parser *parser, const struct word *word);

/* Whether a role of this name has been seen; _refuse says that the word cannot name one. */
bool parser_knows_role(const struct parser *parser, const struct word *word);
void parser_refuse_role(struct parser *parser, const struct word *word);

/* Says if a role, named by a word of the line, cannot have a part in this step now; from then on it
 * runs. */
void parser_check_role(struct parser *parser, const struct word *word, int role, enum verb verb);

/* --- parse_line.c --- */

/* Parses the words of the present line, of which there is one at least. */
void parse_line(struct parser *parser);

/* The same for a line that could be cut into words only in part: a mistake that is reported
 * already. A keyword at its start still has its effect. */
void parse_broken_line(struct parser *parser);

/* --- parse_header.c --- */

typedef void parse_keyword_line(struct parser *parser);

parse_keyword_line parse_title, parse_tags, parse_needs, parse_slow, parse_why, parse_fix;

/* A `why` or `fix` where none may stand, which has been said: its prose is passed over. */
void parse_stray_prose(struct parser *parser);

/* The text behind the first word: a whole quoted one without its quotes, else as written. */
const char *parser_text(struct parser *parser);

/* Adds a line of text to the prose that is open; _end closes it, if one is. */
void parse_prose_line(struct parser *parser, const char *text, size_t size);
void parse_prose_end(struct parser *parser);

/* --- parse_section.c --- */

parse_keyword_line parse_setup, parse_case, parse_end;

/* Ends the section that is open, and a block in it. */
void parse_section_end(struct parser *parser);

/* Makes sure that a step may stand here; one that stands before any section is taken as a setup's.
 */
void parse_need_section(struct parser *parser);

/* The step that opened the present block; _open opens one with this step, _missed_end closes it
 * with the mistake that its `end` is missing. */
struct step *parse_block(struct parser *parser);
void parse_block_open(struct parser *parser, const struct step *step);
void parse_block_missed_end(struct parser *parser);

/* --- parse_step.c --- */

/* Parses the step whose verb and role are known and whose arguments start at word `first`: adds it
 * to the section, and follows the story. */
void parse_step(struct parser *parser, enum verb verb, int role, size_t first);

/* --- parse_address.c --- */

/* Parses an address, written or taken from a socket. False if it was a mistake. */
bool parse_address(struct parser *parser, const struct word *word, struct address *address);

/* Whether the word is a `$role.socket.port` alone; parses it into `address` if so. */
bool parse_port_reference(struct parser *parser, const struct word *word, struct address *address);

/* --- parse_want.c --- */

/* Where the arguments of the line end and its expectation starts: the index of the arrow, or the
 * number of words. */
size_t parse_find_arrow(struct parser *parser);

/* Parses what stands behind the arrow at word `arrow`, if there is one; else `ok` is expected.
 * `option` is the one that a getsockopt asks for, else NULL. */
void parse_expectation(struct parser *parser, size_t arrow, enum verb verb,
                       const struct sockopt *option, struct expectation *want);

#endif
