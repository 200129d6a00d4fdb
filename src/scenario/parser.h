/* What the parts of the parser share.
 *
 *   parse.c              the file: header, sections, blocks
 *   parse_line.c         a line: what kind it is, whose step, its expectation and effect
 *   steps_environment.c  the verbs of the environment
 *   steps_host.c         the hosts of the header, and the verbs about them
 *   steps_socket.c       a role's calls on its sockets
 *   steps_role.c         the verbs of a role's process
 *   steps_block.c        its blocks, and the lines in them that vary
 *   steps_program.c      the verbs of a role that has become a program
 *   steps_question.c     the verbs that ask the tool itself
 *   parse_expectation.c  what stands after `->`
 *   parser.c             what all of them need: lines, words, errors, names, addresses
 *
 * A line with an error is reported once, and then taken as what it was most likely meant to be, so
 * that one error gives one message and the lines below it are still checked.
 */
#ifndef PORTREUSE_SCENARIO_PARSER_H
#define PORTREUSE_SCENARIO_PARSER_H

#include "base/memory.h"
#include "scenario/scenario.h"

/* A line of the file as words. */
struct word {
    const char *text; /* without quotes and escapes, NUL-terminated; in the arena */
    size_t at;        /* where it starts in the line, in bytes; a quoted one at its quote */
    size_t end;       /* where it ends */
    bool quoted;
    const char *varies; /* the text with COUNTER for the counter of its block, which `text` has the
                           first value of; NULL: it does not vary */
};

struct line {
    const char *text; /* borrowed; no newline */
    size_t size;
    unsigned number; /* from 1 */
    bool indented;   /* it does not start in column one */
    struct word *words;
    size_t count;
    size_t comment; /* where the text after `#` starts, or `size` */
    size_t content; /* where the last word ends */
};

/* What is known at a line of the story so far: which roles run, and which sockets they have. Each
 * case starts again from where the setup ended. */
enum role_state {
    ROLE_UNBORN,
    ROLE_RUNS,
    ROLE_SERVES,
    ROLE_PROGRAM,
    ROLE_ENDED,
    ROLE_PROGRAM_ENDED,
};
enum socket_state { SOCKET_NEVER, SOCKET_OPEN, SOCKET_CLOSED };
enum host_state { HOST_ON, HOST_OFF };

/* A byte each: a story can have 16,384 of them, and each case begins with a copy. */
struct flow_socket {
    unsigned char state : 2; /* enum socket_state */
    unsigned char kind : 4;  /* enum socket_kind */
    unsigned char has_peer : 1;
    unsigned char in_use : 1; /* it was to listen, or to be connected */
};

struct flow {
    unsigned char role[SCENARIO_ROLES_MAX];    /* enum role_state */
    unsigned char host_of[SCENARIO_ROLES_MAX]; /* the host that a role is on */
    unsigned char host[SCENARIO_HOSTS_MAX];    /* enum host_state */
    struct flow_socket socket[SCENARIO_ROLES_MAX][SCENARIO_SOCKETS_MAX];
};

enum part { PART_HEADER, PART_SETUP, PART_CASE };

/* A section or a block that is open: the line that opened it, and how many errors there were. */
struct opened {
    struct line line;
    size_t errors;
};

struct parser {
    struct scenario *scenario;
    struct errors *errors;
    const char *file;
    struct line line;
    enum keyword keyword;    /* of this line, or the last one that had one */
    bool line_is_wrong;      /* an error was reported on this line */
    bool after_unknown_verb; /* which may have been meant to open a block: these are its lines */
    struct arena scratch;    /* owned: words and other memory that the scenario does not need */
    struct variation *variations; /* of the present line */
    size_t variation_count;

    const char **prose; /* the text that the indented lines belong to, or NULL */
    const char *prose_start, *prose_end;
    const char *stray_prose; /* the text of a `why` or `fix` in the wrong place */

    enum part part;
    bool setup_is_implied; /* by a step before any section */
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

/* Returns whether a byte is a blank: those separate words. */
bool line_is_blank(char c);

/* Splits `size` bytes at `text` into words. Returns NULL, or what is wrong with the line, static;
 * `*at` is then the offset of the error, and the words before it have been read. */
const char *line_split(struct arena *arena, const char *text, size_t size, unsigned number,
                       struct line *line, size_t *at);

/* Returns the text from the word with index `first` up to the offset `end`, each run of blanks
 * folded into one. */
const char *line_slice(struct arena *arena, const struct line *line, size_t first, size_t end);

/* Reports an error at a word of the present line; NULL stands for the end of the line. */
void parser_error(struct parser *parser, const struct word *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at `text`, which points into the word's text. */
void parser_error_in(struct parser *parser, const struct word *word, const char *text,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reports an error that shows only later, at the start of an earlier line. The present line is not
 * marked as wrong. */
void parser_error_at(struct parser *parser, const struct line *line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns a copy of the word's text that lives as long as the scenario. */
const char *parser_keep(struct parser *parser, const struct word *word);

/* The words of the present line that are still to be read. */
struct cursor {
    const struct line *line;
    size_t next, end; /* indexes of words */
};

/* Returns the next word, or NULL at the end; _take also moves on. */
const struct word *cursor_peek(const struct cursor *cursor);
const struct word *cursor_take(struct cursor *cursor);

/* Returns whether a word is this one, unquoted; _skip asks that of the next word, and takes it if
 * so. */
bool word_is(const struct word *word, const char *text);
bool cursor_skip(struct cursor *cursor, const char *word);

/* Takes the next word; reports "WHAT is missing" and returns NULL if there is none. */
const struct word *cursor_need(struct parser *parser, struct cursor *cursor, const char *what);

/* Reports an error if words are left; `usage` is how the line is written, or NULL. */
void cursor_need_no_more(struct parser *parser, const struct cursor *cursor, const char *usage);

/* Takes a number from `low` to `high`, or a TIME in nanoseconds. An error says that the word is not
 * `what`. */
bool cursor_take_number(struct parser *parser, struct cursor *cursor, const char *what, int64_t low,
                        int64_t high, int64_t *number);
void cursor_take_time(struct parser *parser, struct cursor *cursor, uint64_t *ns);

/* Reads `within TIME`, or a range of times such as 59s..62s. Returns NULL, or what is wrong with
 * it, static. */
const char *parse_times(const char *text, uint64_t *soonest_ns, uint64_t *latest_ns);

/* Returns the keyword or the verb that an unquoted word is; KEYWORDS or VERB_NONE if it is none, or
 * NULL. */
enum keyword word_keyword(const struct word *word);
enum verb word_verb(const struct word *word);

/* Returns the index of a role, or of a socket's name, and adds it if it is new; -1 after an error
 * if it is not a possible name, or if there are too many. */
int parser_role(struct parser *parser, const struct word *word);
int parser_socket(struct parser *parser, const struct word *word);

/* Returns whether a role of this name has been seen; _refuse reports that the word cannot name a
 * role. */
bool parser_knows_role(const struct parser *parser, const struct word *word);
void parser_refuse_role(struct parser *parser, const struct word *word);

/* The role has ended, and the kernel has closed its sockets. */
void flow_end_role(struct flow *flow, int role);

/* Reports an error if a role, named by a word of the line, cannot take part in this step now. From
 * then on it runs. */
void parser_check_role(struct parser *parser, const struct word *word, int role, enum verb verb);

/* Notes what a word of a line stands for, if it varies; NULL is no word. */
void parser_vary(struct parser *parser, const struct word *word, enum variation_place place,
                 int index);

/* Splits `[fe80::1%eth0]:80` into the address without the zone, `plain` of `size` bytes, and the
 * zone, of IFNAMSIZ bytes; "" where there is none. */
void parse_split_zone(const char *text, char *plain, size_t size, char *zone);

/* Parses an address, written or taken from a socket. Returns false after an error. */
bool parse_address(struct parser *parser, const struct word *word, struct address *address);

/* Takes an ADDRESS whose port is a number, not `*`. Returns its word; NULL if there is none, or if
 * it is no address. */
const struct word *parse_numbered(struct parser *parser, struct cursor *cursor,
                                  struct address *address);

/* Returns whether the word is a `$role.socket.port` alone; if so, parses it into `address`. */
bool parse_port_reference(struct parser *parser, const struct word *word, struct address *address);

/* Takes the name of a socket that must be open, into step->socket; and what kind it is. */
void parse_socket_name(struct parser *parser, struct cursor *cursor, struct step *step);

/* Another role, or another name, has the same socket from now on. */
void flow_share(struct flow *flow, int role, int socket, int other_role, int other_socket);

/* Parses OPTION[=VALUE]. Returns false after an error in the name; after one in the value, the
 * option is there. _name parses the `size` bytes at the start of the word, which are a name; it
 * returns NULL after an error. */
bool parse_option(struct parser *parser, const struct word *word, struct option_setting *setting);
const struct sockopt *parse_option_name(struct parser *parser, const struct word *word,
                                        size_t size);

/* --- parse.c --- */

typedef void parse_keyword_line(struct parser *parser);

parse_keyword_line parse_title, parse_tags, parse_needs, parse_slow, parse_setup, parse_case,
    parse_end;

/* --- steps_host.c --- */

/* `host NAME ADDRESS/BITS...` in the header. */
parse_keyword_line parse_host;

/* Returns the index of the host that the word names; NO_HOST after an error. _on takes only one
 * that is not off. */
int parse_host_name(struct parser *parser, const struct word *word);
int parse_host_on(struct parser *parser, const struct word *word);

/* `why` and `fix`: the lines below belong to it. After the header it is in the wrong place, which
 * has been reported: then its text is skipped. */
parse_keyword_line parse_prose;

/* Makes sure that a step may stand here; one before any section is taken as part of the setup. */
void parse_need_section(struct parser *parser);

/* The step that opened the present block; _open opens one with this step; _missed_end closes it and
 * reports that its `end` is missing. */
struct step *parse_block(struct parser *parser);
void parse_block_open(struct parser *parser, const struct step *step);
void parse_block_missed_end(struct parser *parser);

/* --- steps_block.c --- */

/* Puts the first value of a block's counter into the words of the present line that have it.
 * Returns how many these are. */
size_t parse_counter(struct parser *parser, const struct step_rounds *rounds);

/* Gives the step what its line has noted with parser_vary(), and reports a word, of so many that
 * vary, that cannot, or a value that is wrong in the last round. */
void parse_variations(struct parser *parser, const struct step_rounds *rounds, size_t words,
                      struct step *step);

/* --- parse_line.c --- */

/* Parses the present line, which has at least one word. */
void parse_line(struct parser *parser);

/* The same for a line that could be split into words only in part, which has been reported. A
 * keyword at its start still has its effect. */
void parse_broken_line(struct parser *parser);

/* --- parse_expectation.c --- */

/* Returns where the arguments of the line end and its expectation starts: the index of the arrow,
 * or the number of words. */
size_t parse_find_arrow(struct parser *parser);

/* Parses what stands after the arrow at word `arrow`; without an arrow, `ok` is expected. `option`
 * is the one whose value a getsockopt asks for, else NULL. */
void parse_expectation(struct parser *parser, size_t arrow, enum verb verb,
                       const struct sockopt *option, struct expectation *want);

#endif
