#include "json/reader.h"
#include "json/fault.h"
#include "json/scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

/*
 * yajl does not look at what malloc gives it, so all it can ask for is set
 * aside before it starts, and its allocator only counts up. Of a text of n
 * bytes it asks for
 *
 * - its handle, lexer, two buffer heads (248 bytes in 2.1.0) and the stack of
 *   states: 128 bytes, and 256 when more than 127 containers are open;
 * - the buffer that escapes are decoded into, and the one that keeps a token
 *   which the text's end cuts off, and yajl_complete_parse()'s blank after
 *   it. Each is of 2048 bytes at first, and is doubled until it is larger
 *   than what it holds. As a copy is made each time, growing to hold b bytes
 *   takes less than 2048 + 4b: the last size is at most 2b, and all before
 *   it together are less than it. No byte of the text goes into both.
 */
#define YAJL_FIXED   2048
#define YAJL_BUFFERS (2 * 2048)
#define YAJL_ALIGN   16

/* Memory up to this size is kept for the next text. */
#define ARENA_KEPT 65536

struct clarity_json_reader_s {
    clarity_str_t text;
    size_t limit; /* bytes of text that the scan let through */
    clarity_json_token_pt handler;
    void *data;

    yajl_handle yajl;
    bool finishing; /* in yajl_complete_parse() */
    bool too_deep;
    size_t start; /* of the bracket that is too deep */
    clarity_json_place_t place;
    bool is_object[CLARITY_JSON_MAX_DEPTH]; /* the containers open */

    char *arena;
    size_t arena_size;
    size_t arena_used;
};

static clarity_json_status_t parse(clarity_json_reader_t *reader);
static bool arena_reserve(clarity_json_reader_t *reader, size_t n);
static void arena_done(clarity_json_reader_t *reader);
static void *arena_malloc(void *data, size_t size);
static void *arena_realloc(void *data, void *old, size_t size);
static void arena_free(void *data, void *old);
static int on_null(void *data);
static int on_boolean(void *data, int value);
static int on_number(void *data, const char *text, size_t len);
static int on_string(void *data, const unsigned char *text, size_t len);
static int on_key(void *data, const unsigned char *text, size_t len);
static int on_object_start(void *data);
static int on_object_end(void *data);
static int on_array_start(void *data);
static int on_array_end(void *data);
static int open_container(
    clarity_json_reader_t *reader, clarity_json_token_type_t type);
static int close_container(
    clarity_json_reader_t *reader, clarity_json_token_type_t type);
static int hand_out(clarity_json_reader_t *reader,
    clarity_json_token_type_t type, clarity_str_t text);
static size_t token_start(const clarity_json_reader_t *reader);

static const yajl_callbacks callbacks = { on_null, on_boolean, NULL, NULL,
    on_number, on_string, on_object_start, on_key, on_object_end,
    on_array_start, on_array_end };


clarity_json_reader_t *
clarity_json_reader_create(void)
{
    return calloc(1, sizeof(clarity_json_reader_t));
}


void
clarity_json_reader_free(clarity_json_reader_t *reader)
{
    if (reader != NULL) {
        free(reader->arena);
        free(reader);
    }
}


clarity_json_status_t
clarity_json_read(clarity_json_reader_t *reader, clarity_str_t text,
    clarity_json_token_pt handler, void *data, clarity_json_fault_t *fault)
{
    const char *refused;
    clarity_json_status_t status;

    refused = NULL;

    reader->text = text;
    reader->limit = clarity_json_scan(text, &refused);
    reader->handler = handler;
    reader->data = data;
    reader->finishing = false;
    reader->too_deep = false;
    memset(&reader->place, 0, sizeof(reader->place));

    if (!arena_reserve(reader, reader->limit)) {
        return CLARITY_JSON_NO_MEMORY;
    }

    status = parse(reader);

    /* What the scan refuses comes later; or it is a string without its end,
     * which yajl takes for nothing when it comes behind the value. */
    if (status == CLARITY_JSON_OK
        && clarity_json_skip_space(text, reader->place.end) != text.len)
    {
        status = CLARITY_JSON_INVALID;
    }

    if (status == CLARITY_JSON_INVALID) {
        if (reader->too_deep) {
            clarity_json_fault_set(text, reader->start,
                "nested deeper than 128 objects and arrays", fault);
        } else {
            clarity_json_locate(
                text, reader->limit, refused, reader->place, fault);
        }
    }

    arena_done(reader);
    return status;
}


static clarity_json_status_t
parse(clarity_json_reader_t *reader)
{
    yajl_status status;
    yajl_alloc_funcs functions;

    functions.malloc = arena_malloc;
    functions.realloc = arena_realloc;
    functions.free = arena_free;
    functions.ctx = reader;

    /* Never yajl_free()d: the arena goes as a whole. */
    reader->yajl = yajl_alloc(&callbacks, &functions, reader);

    /* The scan has been stricter already. */
    yajl_config(reader->yajl, yajl_dont_validate_strings, 1);

    status = yajl_parse(reader->yajl,
        (const unsigned char *) reader->text.data, reader->limit);

    if (status == yajl_status_ok) {
        reader->finishing = true;
        status = yajl_complete_parse(reader->yajl);
    }

    if (status == yajl_status_ok) {
        return CLARITY_JSON_OK;
    }

    if (status == yajl_status_client_canceled && !reader->too_deep) {
        return CLARITY_JSON_STOPPED;
    }

    return CLARITY_JSON_INVALID;
}


static bool
arena_reserve(clarity_json_reader_t *reader, size_t n)
{
    size_t size;

    reader->arena_used = 0;

    /* One byte more for the blank; each copy is aligned, and a size_t has
     * room for no more than 64 doublings of each of the two buffers. */
    size = YAJL_FIXED + YAJL_BUFFERS + 2 * 64 * YAJL_ALIGN;

    if (n >= (PTRDIFF_MAX - size) / 4) {
        return false;
    }

    size += 4 * (n + 1);

    if (size <= reader->arena_size) {
        return true;
    }

    /* What fits the kept size is not asked for again. */
    if (size < ARENA_KEPT) {
        size = ARENA_KEPT;
    }

    free(reader->arena);
    reader->arena_size = 0;

    reader->arena = malloc(size);
    if (reader->arena == NULL) {
        return false;
    }

    reader->arena_size = size;
    return true;
}


static void
arena_done(clarity_json_reader_t *reader)
{
    if (reader->arena_size > ARENA_KEPT) {
        free(reader->arena);
        reader->arena = NULL;
        reader->arena_size = 0;
    }
}


static void *
arena_malloc(void *data, size_t size)
{
    void *p;
    clarity_json_reader_t *reader = data;

    size = (size + YAJL_ALIGN - 1) & ~(size_t) (YAJL_ALIGN - 1);

    if (size > reader->arena_size - reader->arena_used) {
        return NULL;
    }

    p = reader->arena + reader->arena_used;
    reader->arena_used += size;
    return p;
}


/*
 * The old size is not known, but what lies behind `old` up to the new block
 * is the arena's own, so a copy of as many bytes as the new block has room
 * for takes in all of the old one.
 */
static void *
arena_realloc(void *data, void *old, size_t size)
{
    void *p;
    size_t n;

    p = arena_malloc(data, size);

    if (p != NULL && old != NULL) {
        n = (size_t) ((char *) p - (char *) old);
        memcpy(p, old, n < size ? n : size);
    }

    return p;
}


/* One free() ends all. */
static void
arena_free(void *data, void *old)
{
    (void) data;
    (void) old;
}


static int
on_null(void *data)
{
    return hand_out(data, CLARITY_JSON_NULL, clarity_lit(""));
}


static int
on_boolean(void *data, int value)
{
    return hand_out(
        data, value ? CLARITY_JSON_TRUE : CLARITY_JSON_FALSE, clarity_lit(""));
}


static int
on_number(void *data, const char *text, size_t len)
{
    return hand_out(data, CLARITY_JSON_NUMBER, (clarity_str_t){ text, len });
}


static int
on_string(void *data, const unsigned char *text, size_t len)
{
    return hand_out(data, CLARITY_JSON_STRING,
        (clarity_str_t){ (const char *) text, len });
}


static int
on_key(void *data, const unsigned char *text, size_t len)
{
    return hand_out(
        data, CLARITY_JSON_KEY, (clarity_str_t){ (const char *) text, len });
}


static int
on_object_start(void *data)
{
    return open_container(data, CLARITY_JSON_OBJECT_START);
}


static int
on_object_end(void *data)
{
    return close_container(data, CLARITY_JSON_OBJECT_END);
}


static int
on_array_start(void *data)
{
    return open_container(data, CLARITY_JSON_ARRAY_START);
}


static int
on_array_end(void *data)
{
    return close_container(data, CLARITY_JSON_ARRAY_END);
}


static int
open_container(clarity_json_reader_t *reader, clarity_json_token_type_t type)
{
    clarity_json_place_t *place = &reader->place;

    if (place->depth == CLARITY_JSON_MAX_DEPTH) {
        reader->start = token_start(reader);
        reader->too_deep = true;
        return 0;
    }

    if (!hand_out(reader, type, clarity_lit(""))) {
        return 0;
    }

    place->in_object = type == CLARITY_JSON_OBJECT_START;
    reader->is_object[place->depth++] = place->in_object;
    return 1;
}


static int
close_container(clarity_json_reader_t *reader, clarity_json_token_type_t type)
{
    clarity_json_place_t *place = &reader->place;

    place->depth--;
    place->in_object =
        place->depth != 0 && reader->is_object[place->depth - 1];

    return hand_out(reader, type, clarity_lit(""));
}


static int
hand_out(clarity_json_reader_t *reader, clarity_json_token_type_t type,
    clarity_str_t text)
{
    clarity_json_token_t token;
    clarity_json_place_t *place = &reader->place;

    token.type = type;
    token.text = text;
    token.start = token_start(reader);
    token.depth = place->depth;

    /*
     * yajl has just lexed the token, so what it consumed ends with it. Only
     * a number that the text's end ends comes while it reads its own blank.
     */
    token.end = reader->finishing ? reader->limit
                                  : yajl_get_bytes_consumed(reader->yajl);

    if (type == CLARITY_JSON_NUMBER) {
        token.text.data = reader->text.data + token.start;
    }

    place->last = type;
    place->end = token.end;

    return reader->handler(reader->data, &token);
}


/* Behind the token before it there is only this until the next. */
static size_t
token_start(const clarity_json_reader_t *reader)
{
    size_t at;

    at = reader->place.end;

    for (;;) {
        switch (reader->text.data[at]) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case ':':
        case ',': at++; break;
        default: return at;
        }
    }
}
