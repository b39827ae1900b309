#include "json/tree.h"
#include "json/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE  4096 /* bytes; a larger piece has a block of its own */
#define BLOCK_ALIGN 16

typedef struct clarity_json_block_s block_t;

struct clarity_json_block_s {
    block_t *next;
    size_t size;
    size_t used;
    _Alignas(BLOCK_ALIGN) char data[];
};

typedef struct {
    clarity_json_t value;
    size_t name_start; /* in the text */
} node_t;

typedef struct {
    clarity_json_doc_t *doc;
    clarity_str_t text; /* the tree's copy */
    const char *file;
    unsigned flags;

    /* The open containers, and the last child of each so far. */
    clarity_json_t *open[CLARITY_JSON_MAX_DEPTH];
    clarity_json_t *last[CLARITY_JSON_MAX_DEPTH];
    unsigned depth;

    /* The member whose value comes next. */
    clarity_str_t name;
    size_t name_start;
    unsigned name_line;

    unsigned line; /* of line_at */
    size_t line_at;

    clarity_error_t *error; /* set if a token was refused, as is: */
    clarity_json_fault_t *fault;
} builder_t;

static void refuse_text(const builder_t *builder);
static bool build(void *data, const clarity_json_token_t *token);
static clarity_json_t *add_value(builder_t *builder, clarity_json_kind_t kind,
    const clarity_json_token_t *token);
static bool close_container(
    builder_t *builder, const clarity_json_token_t *token);
static bool check_names(builder_t *builder, const clarity_json_t *object);
static int compare_names(const void *a, const void *b);
static bool refuse_name(
    builder_t *builder, const node_t *node, const node_t *first);
static bool copy_text(
    builder_t *builder, clarity_str_t text, clarity_str_t *copy);
static unsigned line_of(builder_t *builder, size_t offset);
static bool out_of_memory(builder_t *builder);
static block_t *create_block(size_t size);


clarity_json_doc_t *
clarity_json_parse(clarity_str_t text, const char *file, unsigned flags,
    clarity_error_t *error)
{
    clarity_json_fault_t fault;

    return clarity_json_parse_at(text, file, flags, error, &fault);
}


clarity_json_doc_t *
clarity_json_parse_at(clarity_str_t text, const char *file, unsigned flags,
    clarity_error_t *error, clarity_json_fault_t *fault)
{
    builder_t builder;
    clarity_json_doc_t *doc;
    clarity_json_reader_t *reader;
    clarity_json_status_t status;

    memset(&builder, 0, sizeof(builder));
    builder.file = file;
    builder.flags = flags;
    builder.error = error;
    builder.fault = fault;
    builder.line = 1;

    memset(fault, 0, sizeof(*fault));

    status = CLARITY_JSON_NO_MEMORY;

    reader = clarity_json_reader_create();
    builder.doc = doc = calloc(1, sizeof(*doc));

    if (reader != NULL && doc != NULL
        && copy_text(&builder, text, &builder.text)) {
        status =
            clarity_json_read(reader, builder.text, build, &builder, fault);
    }

    clarity_json_reader_free(reader);

    switch (status) {
    case CLARITY_JSON_OK: return doc;
    case CLARITY_JSON_STOPPED: break;
    case CLARITY_JSON_NO_MEMORY: out_of_memory(&builder); break;
    case CLARITY_JSON_INVALID: refuse_text(&builder); break;
    }

    clarity_json_free(doc);
    return NULL;
}


void
clarity_json_free(clarity_json_doc_t *doc)
{
    block_t *block, *next;

    if (doc == NULL) {
        return;
    }

    for (block = doc->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }

    free(doc);
}


void *
clarity_json_alloc(clarity_json_doc_t *doc, size_t size)
{
    void *p;
    block_t *block;

    if (size > PTRDIFF_MAX - sizeof(block_t) - BLOCK_ALIGN) {
        return NULL;
    }

    size = (size + BLOCK_ALIGN - 1) & ~(size_t) (BLOCK_ALIGN - 1);
    block = doc->blocks;

    if (block == NULL || size > block->size - block->used) {
        block = create_block(size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE);
        if (block == NULL) {
            return NULL;
        }

        /* A full block goes behind the first one, which has room left. */
        if (size > BLOCK_SIZE / 4 && doc->blocks != NULL) {
            block->next = doc->blocks->next;
            doc->blocks->next = block;
        } else {
            block->next = doc->blocks;
            doc->blocks = block;
        }
    }

    p = block->data + block->used;
    block->used += size;
    return memset(p, 0, size);
}


const clarity_json_t *
clarity_json_get(const clarity_json_t *object, clarity_str_t name)
{
    const clarity_json_t *member;

    if (object == NULL || object->kind != CLARITY_OBJECT) {
        return NULL;
    }

    for (member = object->first; member != NULL; member = member->next) {
        if (clarity_str_eq(member->name, name)) {
            return member;
        }
    }

    return NULL;
}


const clarity_json_t *
clarity_json_at(const clarity_json_t *array, size_t index)
{
    const clarity_json_t *element;

    if (array == NULL || array->kind != CLARITY_ARRAY) {
        return NULL;
    }

    for (element = array->first; element != NULL && index != 0; index--) {
        element = element->next;
    }

    return element;
}


const char *
clarity_json_kind_name(clarity_json_kind_t kind)
{
    switch (kind) {
    case CLARITY_NULL: return "null";
    case CLARITY_BOOLEAN: return "a boolean";
    case CLARITY_NUMBER: return "a number";
    case CLARITY_STRING: return "a string";
    case CLARITY_ARRAY: return "an array";
    case CLARITY_OBJECT: return "an object";
    }

    return "nothing";
}


static void
refuse_text(const builder_t *builder)
{
    char inside[64] = "";
    const clarity_json_fault_t *fault = builder->fault;

    if (fault->inside != 0) {
        snprintf(inside, sizeof(inside),
            "byte %zu of the string: ", fault->inside + 1);
    }

    clarity_error(builder->error, "%s:%zu:%zu: %s%s", builder->file,
        fault->line, fault->column, inside, fault->reason);
}


static bool
build(void *data, const clarity_json_token_t *token)
{
    clarity_json_t *value;
    builder_t *builder = data;

    switch (token->type) {

    case CLARITY_JSON_KEY:
        builder->name_start = token->start;
        builder->name_line = line_of(builder, token->start);
        return copy_text(builder, token->text, &builder->name)
               || out_of_memory(builder);

    case CLARITY_JSON_OBJECT_END:
    case CLARITY_JSON_ARRAY_END: return close_container(builder, token);

    case CLARITY_JSON_OBJECT_START:
    case CLARITY_JSON_ARRAY_START:
        value = add_value(builder,
            token->type == CLARITY_JSON_OBJECT_START ? CLARITY_OBJECT
                                                     : CLARITY_ARRAY,
            token);
        if (value != NULL) {
            builder->open[builder->depth] = value;
            builder->last[builder->depth++] = NULL;
        }
        return value != NULL;

    case CLARITY_JSON_STRING:
        value = add_value(builder, CLARITY_STRING, token);
        return value != NULL
               && (copy_text(builder, token->text, &value->text)
                   || out_of_memory(builder));

    case CLARITY_JSON_NUMBER:
        value = add_value(builder, CLARITY_NUMBER, token);
        if (value != NULL) {
            value->text = value->raw;
        }
        return value != NULL;

    case CLARITY_JSON_TRUE:
    case CLARITY_JSON_FALSE:
        value = add_value(builder, CLARITY_BOOLEAN, token);
        if (value != NULL) {
            value->boolean = token->type == CLARITY_JSON_TRUE;
        }
        return value != NULL;

    case CLARITY_JSON_NULL: break;
    }

    return add_value(builder, CLARITY_NULL, token) != NULL;
}


/* The error is set where NULL is returned. */
static clarity_json_t *
add_value(builder_t *builder, clarity_json_kind_t kind,
    const clarity_json_token_t *token)
{
    node_t *node;
    unsigned top;
    clarity_json_t *value;

    node = clarity_json_alloc(builder->doc, sizeof(*node));
    if (node == NULL) {
        out_of_memory(builder);
        return NULL;
    }

    value = &node->value;
    value->kind = kind;
    value->line = line_of(builder, token->start);
    value->raw.data = builder->text.data + token->start;
    value->raw.len = token->end - token->start;

    if (builder->depth == 0) {
        builder->doc->root = value;
        return value;
    }

    top = builder->depth - 1;

    if (builder->open[top]->kind == CLARITY_OBJECT) {
        value->name = builder->name;
        value->name_line = builder->name_line;
        node->name_start = builder->name_start;
    }

    if (builder->last[top] == NULL) {
        builder->open[top]->first = value;
    } else {
        builder->last[top]->next = value;
    }

    builder->last[top] = value;
    builder->open[top]->count++;
    return value;
}


static bool
close_container(builder_t *builder, const clarity_json_token_t *token)
{
    clarity_json_t *value;

    value = builder->open[--builder->depth];

    value->raw.len =
        token->end - (size_t) (value->raw.data - builder->text.data);

    if (value->kind == CLARITY_OBJECT && value->count > 1
        && (builder->flags & CLARITY_JSON_UNIQUE_NAMES))
    {
        return check_names(builder, value);
    }

    return true;
}


/* By sorting, as an object may come with a million members. */
static bool
check_names(builder_t *builder, const clarity_json_t *object)
{
    size_t i;
    const node_t **nodes, *node, *first;
    const clarity_json_t *member;

    nodes = calloc(object->count, sizeof(*nodes));
    if (nodes == NULL) {
        return out_of_memory(builder);
    }

    i = 0;
    for (member = object->first; member != NULL; member = member->next) {
        nodes[i++] = (const node_t *) member;
    }

    qsort(nodes, object->count, sizeof(*nodes), compare_names);

    node = first = NULL;

    for (i = 1; i < object->count; i++) {
        if (clarity_str_eq(nodes[i - 1]->value.name, nodes[i]->value.name)
            && (node == NULL || nodes[i]->name_start < node->name_start))
        {
            first = nodes[i - 1];
            node = nodes[i];
        }
    }

    free(nodes);

    return node == NULL || refuse_name(builder, node, first);
}


/* Equal names in the order of the text. */
static int
compare_names(const void *a, const void *b)
{
    int order;
    size_t len;
    const node_t *x = *(const node_t *const *) a;
    const node_t *y = *(const node_t *const *) b;

    len = x->value.name.len < y->value.name.len ? x->value.name.len
                                                : y->value.name.len;

    order = memcmp(x->value.name.data, y->value.name.data, len);
    if (order != 0) {
        return order;
    }

    if (x->value.name.len != y->value.name.len) {
        return x->value.name.len < y->value.name.len ? -1 : 1;
    }

    return x->name_start < y->name_start ? -1 : 1;
}


static bool
refuse_name(builder_t *builder, const node_t *node, const node_t *first)
{
    size_t column;

    for (column = 1; column <= node->name_start; column++) {
        if (builder->text.data[node->name_start - column] == '\n') {
            break;
        }
    }

    builder->fault->reason = "a name that stands once in its object";
    builder->fault->offset = node->name_start;
    builder->fault->line = node->value.name_line;
    builder->fault->column = column;

    return clarity_error(builder->error,
        "%s:%u:%zu: the name %s stands twice in one object, first in line %u",
        builder->file, node->value.name_line, column,
        clarity_quote(node->value.name).text, first->value.name_line);
}


static bool
copy_text(builder_t *builder, clarity_str_t text, clarity_str_t *copy)
{
    char *p;

    p = clarity_json_alloc(builder->doc, text.len + 1);
    if (p == NULL) {
        return false;
    }

    if (text.len != 0) {
        memcpy(p, text.data, text.len);
    }

    copy->data = p;
    copy->len = text.len;
    return true;
}


/* Offsets come in rising order, so each line feed is counted once. */
static unsigned
line_of(builder_t *builder, size_t offset)
{
    const char *lf, *p, *end;

    p = builder->text.data + builder->line_at;
    end = builder->text.data + offset;

    while ((lf = memchr(p, '\n', (size_t) (end - p))) != NULL) {
        builder->line++;
        p = lf + 1;
    }

    builder->line_at = offset;
    return builder->line;
}


static bool
out_of_memory(builder_t *builder)
{
    return clarity_error(builder->error, "%s: out of memory", builder->file);
}


static block_t *
create_block(size_t size)
{
    block_t *block;

    block = malloc(sizeof(*block) + size);
    if (block != NULL) {
        block->next = NULL;
        block->size = size;
        block->used = 0;
    }

    return block;
}
