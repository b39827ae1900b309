#define _GNU_SOURCE /* memmem */

#include "workflow/load.h"

#include <stdarg.h>
#include <stdio.h>

static void append(clarity_list_t *list, const char *text, size_t len);
static bool take_member(const clarity_load_t *load,
    const clarity_json_t *value, const char *what, clarity_member_t *members,
    size_t n);
static const char *kind_name(unsigned kind);


void
clarity_list_add(clarity_list_t *list, clarity_str_t name)
{
    size_t len;
    clarity_quote_t quote;

    quote = clarity_quote(name);
    len = strlen(quote.text);

    if (list->cut) {
        return;
    }

    if (list->len > 0) {
        append(list, ", ", 2);
    }

    /* room stays for the next comma and the sign that follows it */
    if (len + sizeof(", …") > sizeof(list->text) - list->len) {
        append(list, "…", strlen("…"));
        list->cut = true;
        return;
    }

    append(list, quote.text, len);
}


static void
append(clarity_list_t *list, const char *text, size_t len)
{
    memcpy(list->text + list->len, text, len);
    list->len += len;
    list->text[list->len] = '\0';
}


void
clarity_list_members(
    clarity_list_t *list, const clarity_member_t *members, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        clarity_list_add(list, clarity_str(members[i].name));
    }
}


bool
clarity_load_error(
    const clarity_load_t *load, unsigned line, const char *format, ...)
{
    va_list args;
    clarity_error_t what;

    va_start(args, format);
    vsnprintf(what.text, sizeof(what.text), format, args);
    va_end(args);

    return clarity_error(
        load->error, "%s:%u: %s", load->file, line, what.text);
}


bool
clarity_load_goes_on(const clarity_load_t *load)
{
    if (load->all == NULL) {
        return false;
    }

    if (load->error->text[0] != '\0') {
        clarity_buf_addz(load->all, load->error->text);
        clarity_buf_addz(load->all, "\n");
        load->error->text[0] = '\0';
    }

    return true;
}


bool
clarity_load_took(const clarity_load_t *load, bool taken, bool *good)
{
    if (taken) {
        return true;
    }

    *good = false;

    return clarity_load_goes_on(load);
}


bool
clarity_load_no_memory(const clarity_load_t *load)
{
    return clarity_error(load->error, "%s: out of memory", load->file);
}


bool
clarity_load_members(const clarity_load_t *load, const clarity_json_t *object,
    const char *what, clarity_member_t *members, size_t n)
{
    bool good;
    size_t i;
    const clarity_json_t *value;

    if (object->kind != CLARITY_OBJECT) {
        return clarity_load_error(load, object->line,
            "%s is %s, expected an object", what,
            clarity_json_kind_name(object->kind));
    }

    good = true;

    for (value = object->first; value != NULL; value = value->next) {
        if (!clarity_load_took(
                load, take_member(load, value, what, members, n), &good))
        {
            return false;
        }
    }

    for (i = 0; i < n; i++) {
        if (!members[i].required || members[i].value != NULL
            || clarity_json_get(object, clarity_str(members[i].name)) != NULL)
        {
            continue;
        }

        good = clarity_load_error(load, object->line,
            "\"%s\" is missing in %s, expected %s", members[i].name, what,
            kind_name(members[i].kind));

        if (!clarity_load_goes_on(load)) {
            return false;
        }
    }

    return good;
}


static bool
take_member(const clarity_load_t *load, const clarity_json_t *value,
    const char *what, clarity_member_t *members, size_t n)
{
    size_t i;
    clarity_list_t list = { 0 };

    for (i = 0; i < n; i++) {
        if (!clarity_str_is(value->name, members[i].name)) {
            continue;
        }

        if (members[i].kind != CLARITY_ANY_KIND
            && members[i].kind != value->kind) {
            return clarity_load_error(load, value->line,
                "\"%s\" is %s, expected %s", members[i].name,
                clarity_json_kind_name(value->kind),
                kind_name(members[i].kind));
        }

        members[i].value = value;
        return true;
    }

    clarity_list_members(&list, members, n);

    return clarity_load_error(load, value->name_line,
        "unknown key %s in %s, expected one of %s",
        clarity_quote(value->name).text, what, list.text);
}


static const char *
kind_name(unsigned kind)
{
    return kind == CLARITY_ANY_KIND ? "a value" : clarity_json_kind_name(kind);
}


bool
clarity_has_placeholder(clarity_str_t text)
{
    return memmem(text.data, text.len, "{{", 2) != NULL;
}


bool
clarity_has_control(clarity_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = text.data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return true;
        }
    }

    return false;
}
