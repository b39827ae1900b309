/*
 * Names that are none of the trigger's. The first ones are listed, each once,
 * as answers show them. Those behind a full list are counted; where they go
 * with the job they are noted too, since none of them may come twice.
 */

#include "webhook/checker.h"

#include <stdlib.h>

#define LATE_KEPT 65536 /* bytes of notes that stay from check to check */

/* A name that came: where the list was full, or once of those listed. */
typedef struct {
    uint64_t hash;
    size_t start; /* of its token in the text */
    size_t times;
} late_t;

static uint64_t hash_of(clarity_str_t name);
static void note(clarity_context_checker_t *checker, uint64_t hash,
    size_t start, size_t times);
static bool find_late(clarity_context_checker_t *checker);
static size_t join_same(late_t *late, size_t n);
static int by_hash(const void *one, const void *two);
static int by_start(const void *one, const void *two);
static bool show_twice(
    clarity_context_checker_t *checker, size_t index, const late_t *late);
static bool take_shown(void *data, const clarity_json_token_t *token);


/* What stands for it in `received`; there, no name is without its entry. */
int
clarity_context_take_unknown(
    clarity_context_checker_t *checker, const clarity_json_token_t *token)
{
    size_t i;
    uint64_t hash;
    clarity_context_name_t *unknown;

    hash = hash_of(token->text);

    /* Of very many names none is looked for: sorting them finds all. */
    i = checker->late.len == 0 ? 0 : checker->nunknown;

    for (; i < checker->nunknown; i++) {
        unknown = &checker->unknown[i];

        if (unknown->hash == hash && unknown->len == token->text.len) {
            unknown->times++;
            checker->faulty |= checker->rules.unknown == CLARITY_UNKNOWN_KEEP;
            return ~(int) i;
        }
    }

    if (i == CLARITY_CONTEXT_MAX_FAULTS) {
        checker->nunlisted++;

        if (checker->rules.unknown == CLARITY_UNKNOWN_KEEP) {
            note(checker, hash, token->start, 1);
        }

        return -1;
    }

    unknown = &checker->unknown[checker->nunknown++];
    unknown->hash = hash;
    unknown->start = token->start;
    unknown->times = 1;
    unknown->len = token->text.len;
    unknown->shown_len = clarity_context_show(unknown->shown, token->text);

    return ~(int) i;
}


/* FNV-1a; whoever makes two names collide is told of one fault in the place
 * of another, or of one more. */
static uint64_t
hash_of(clarity_str_t name)
{
    size_t i;
    uint64_t hash;

    hash = UINT64_C(0xcbf29ce484222325);

    for (i = 0; i < name.len; i++) {
        hash = (hash ^ (unsigned char) name.data[i])
               * UINT64_C(0x00000100000001b3);
    }

    return hash;
}


static void
note(clarity_context_checker_t *checker, uint64_t hash, size_t start,
    size_t times)
{
    late_t late = { hash, start, times };

    clarity_buf_add(
        &checker->late, (clarity_str_t){ (const char *) &late, sizeof(late) });
}


bool
clarity_context_find_twice(clarity_context_checker_t *checker)
{
    bool found;

    found = !checker->late.failed
            && (checker->late.len == 0 || find_late(checker));

    clarity_context_forget_late(checker);

    return found;
}


void
clarity_context_forget_late(clarity_context_checker_t *checker)
{
    if (checker->late.cap > LATE_KEPT) {
        clarity_buf_free(&checker->late);
    }

    clarity_buf_reset(&checker->late);
}


static bool
find_late(clarity_context_checker_t *checker)
{
    size_t i, n, ntwice;
    late_t *late;
    clarity_context_name_t *unknown;

    for (i = 0; i < checker->nunknown; i++) {
        unknown = &checker->unknown[i];
        note(checker, unknown->hash, unknown->start, unknown->times);
        unknown->times = 1;
    }

    if (checker->late.failed) {
        return false;
    }

    late = (late_t *) (void *) checker->late.data;
    n = checker->late.len / sizeof(*late);

    qsort(late, n, sizeof(*late), by_hash);
    ntwice = join_same(late, n);
    qsort(late, ntwice, sizeof(*late), by_start);

    checker->faulty |= ntwice != 0;
    checker->ntwice = ntwice;

    for (i = 0; i < ntwice && i < CLARITY_CONTEXT_MAX_FAULTS; i++) {
        if (!show_twice(checker, CLARITY_CONTEXT_MAX_FAULTS + i, &late[i])) {
            return false;
        }
    }

    return true;
}


/* Leaves those that came more than once, each once, and says how many. */
static size_t
join_same(late_t *late, size_t n)
{
    size_t i, k, kept;

    kept = 0;

    for (i = 0; i < n; i = k) {
        for (k = i + 1; k < n && late[k].hash == late[i].hash; k++) {
            late[i].times += late[k].times;
        }

        if (late[i].times > 1) {
            late[kept++] = late[i];
        }
    }

    return kept;
}


static int
by_hash(const void *one, const void *two)
{
    const late_t *a = one, *b = two;

    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }

    return by_start(one, two);
}


static int
by_start(const void *one, const void *two)
{
    const late_t *a = one, *b = two;

    return (a->start > b->start) - (a->start < b->start);
}


/* The name as answers show it: a string is a JSON text by itself. */
static bool
show_twice(
    clarity_context_checker_t *checker, size_t index, const late_t *late)
{
    size_t end;
    const char *text;
    clarity_json_fault_t fault;

    text = checker->text.data;

    for (end = late->start + 1; text[end] != '"'; end++) {
        end += text[end] == '\\';
    }

    checker->unknown[index].times = late->times;

    return clarity_json_read(checker->reader,
               (clarity_str_t){ text + late->start, end + 1 - late->start },
               take_shown, &checker->unknown[index], &fault)
           == CLARITY_JSON_OK;
}


static bool
take_shown(void *data, const clarity_json_token_t *token)
{
    clarity_context_name_t *unknown = data;

    unknown->shown_len = clarity_context_show(unknown->shown, token->text);

    return true;
}


size_t
clarity_context_show(char shown[CLARITY_CONTEXT_MAX_SHOWN], clarity_str_t name)
{
    size_t n;
    static const char ellipsis[] = "\xe2\x80\xa6";

    n = name.len;

    if (n <= CLARITY_CONTEXT_MAX_SHOWN) {
        if (n != 0) {
            memcpy(shown, name.data, n);
        }
        return n;
    }

    /* Not within a character, whose bytes but the first are 10xxxxxx. */
    n = CLARITY_CONTEXT_MAX_SHOWN - (sizeof(ellipsis) - 1);
    while (((unsigned char) name.data[n] & 0xc0) == 0x80) {
        n--;
    }

    memcpy(shown, name.data, n);
    memcpy(shown + n, ellipsis, sizeof(ellipsis) - 1);

    return n + sizeof(ellipsis) - 1;
}
