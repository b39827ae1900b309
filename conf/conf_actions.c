#define _GNU_SOURCE /* memmem */

#include <stdlib.h>
#include <string.h>

#include "conf/conf_part.h"
#include "conf/file.h"
#include "json/text.h"
#include "workflow/workflow.h"

#define KEY_FILE_MAX ((size_t) 1 << 16)
#define CA_FILE_MAX  ((size_t) 16 << 20)
#define PEM          "-----BEGIN CERTIFICATE-----"


bool
clarity_conf_set_workflow_keys(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    char *path;
    clarity_buf_t text = { 0 };
    clarity_error_t why;

    if (!clarity_conf_get_path(conf, value, &path, error)) {
        return false;
    }

    if (clarity_file_read(path, KEY_FILE_MAX, &text, &why)) {
        conf->keys =
            clarity_seal_keys_parse(clarity_buf_str(&text), path, &why);
    }

    if (text.data != NULL) {
        explicit_bzero(text.data, text.len);
    }

    clarity_buf_free(&text);
    free(path);

    return conf->keys != NULL
           || clarity_error(error, "%s:%u: \"workflow_key_file\": %s",
               conf->file, value->line, why.text);
}


/* Read by each connection's TLS; whether that can be done is seen now. */
bool
clarity_conf_set_ca_file(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    bool read;
    clarity_buf_t text = { 0 };
    clarity_error_t why;

    if (!clarity_conf_get_path(conf, value, &conf->ca_file, error)) {
        return false;
    }

    read = clarity_file_read(conf->ca_file, CA_FILE_MAX, &text, &why);

    if (read
        && (text.len == 0
            || memmem(text.data, text.len, PEM, strlen(PEM)) == NULL))
    {
        read = clarity_error(&why, "%s: holds no \"" PEM "\"", conf->ca_file);
    }

    clarity_buf_free(&text);

    return read
           || clarity_error(error,
               "%s:%u: \"ca_file\": %s, expected certificates of "
               "authorities in PEM",
               conf->file, value->line, why.text);
}


bool
clarity_conf_set_allowed(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    clarity_error_t why;
    const clarity_json_t *item;

    if (value->kind != CLARITY_ARRAY || value->count > CLARITY_MAX_ALLOWED) {
        return clarity_conf_wrong(conf, value,
            "an array of up to 256 networks such as [\"127.0.0.0/8\"]", error);
    }

    if (value->count == 0) {
        return true;
    }

    conf->allowed = calloc(value->count, sizeof(clarity_network_t));

    if (conf->allowed == NULL) {
        return clarity_error(error, "%s: out of memory", conf->file);
    }

    for (item = value->first; item != NULL; item = item->next) {
        if (item->kind != CLARITY_STRING) {
            return clarity_error(error,
                "%s:%u: \"allow_addresses\" holds %s, expected networks such "
                "as \"127.0.0.0/8\"",
                conf->file, item->line, clarity_json_kind_name(item->kind));
        }

        if (!clarity_network_parse(
                item->text, &conf->allowed[conf->nallowed], &why)) {
            return clarity_error(error, "%s:%u: \"allow_addresses\": %s",
                conf->file, item->line, why.text);
        }

        conf->nallowed++;
    }

    return true;
}


bool
clarity_conf_set_commands(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    char *command;
    const clarity_json_t *item;

    if (value->kind != CLARITY_ARRAY || value->count > CLARITY_MAX_COMMANDS) {
        return clarity_conf_wrong(conf, value,
            "an array of up to 256 absolute paths of programs", error);
    }

    conf->commands = calloc(value->count + 1, sizeof(char *));

    if (conf->commands == NULL) {
        return clarity_error(error, "%s: out of memory", conf->file);
    }

    for (item = value->first; item != NULL; item = item->next) {
        if (item->kind != CLARITY_STRING || item->text.len < 2
            || item->text.data[0] != '/'
            || memchr(item->text.data, '\0', item->text.len) != NULL)
        {
            return clarity_error(error,
                "%s:%u: \"allow_exec\" holds what is no absolute path of a "
                "program, expected one such as \"/usr/local/bin/revoke\"",
                conf->file, item->line);
        }

        command = strndup(item->text.data, item->text.len);

        if (command == NULL) {
            return clarity_error(error, "%s: out of memory", conf->file);
        }

        conf->commands[conf->ncommands++] = command;
    }

    return true;
}


bool
clarity_conf_set_types(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    const char *reason;
    const clarity_json_t *item;

    if (value->kind != CLARITY_ARRAY || value->count > CLARITY_MAX_TYPES) {
        return clarity_conf_wrong(
            conf, value, "an array of up to 64 names of action types", error);
    }

    for (item = value->first; item != NULL; item = item->next) {
        reason = item->kind == CLARITY_STRING
                     ? clarity_type_refused(item->text)
                     : "is no string, expected names";

        if (reason != NULL) {
            return clarity_error(error, "%s:%u: \"action_types\": %s %s",
                conf->file, item->line, clarity_quote(item->raw).text, reason);
        }

        if (!clarity_conf_add_type(conf, item->text.data)) {
            return clarity_error(error, "%s: out of memory", conf->file);
        }
    }

    return true;
}


bool
clarity_conf_add_type(clarity_conf_t *conf, const char *type)
{
    size_t i;
    char **types, *copy;

    for (i = 0; i < conf->ntypes; i++) {
        if (strcmp(conf->types[i], type) == 0) {
            return true;
        }
    }

    types = realloc(conf->types, (conf->ntypes + 1) * sizeof(char *));

    if (types == NULL) {
        return false;
    }

    conf->types = types;
    copy = strdup(type);

    if (copy == NULL) {
        return false;
    }

    conf->types[conf->ntypes++] = copy;

    return true;
}
