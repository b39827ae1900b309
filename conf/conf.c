#include "conf/conf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_part.h"
#include "conf/file.h"
#include "job/key.h"
#include "json/duration.h"
#include "json/number.h"
#include "workflow/workflow.h"

#define CONF_FILE_MAX ((size_t) 1 << 20)

#define SECOND 1000
#define HOUR   (3600 * SECOND)
#define DAY    ((uint64_t) 24 * HOUR)

typedef struct {
    const char *name;
    bool (*set)(clarity_conf_t *conf, const clarity_json_t *value,
        clarity_error_t *error);
} clarity_conf_key_t;

static bool read_keys(
    clarity_conf_t *conf, const clarity_json_t *root, clarity_error_t *error);
static const clarity_conf_key_t *find_key(clarity_str_t name);
static bool unknown_key(const clarity_conf_t *conf,
    const clarity_json_t *value, clarity_error_t *error);
static bool set_defaults(clarity_conf_t *conf, clarity_error_t *error);
static bool set_redis(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_password(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_prefix(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_shards(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_triggers(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_workflows(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_processes(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_concurrency(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_lease(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_drain(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_keep(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool set_log(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error);
static bool get_count(const clarity_conf_t *conf, const clarity_json_t *value,
    size_t min, size_t max, unsigned *count, clarity_error_t *error);
static bool get_duration(const clarity_conf_t *conf,
    const clarity_json_t *value, uint64_t min, uint64_t max,
    const char *expected, uint64_t *ms, clarity_error_t *error);

static const clarity_conf_key_t conf_keys[] = {
    { "redis", set_redis },
    { "redis_password_file", set_password },
    { "prefix", set_prefix },
    { "shards", set_shards },
    { "triggers", set_triggers },
    { "workflows", set_workflows },
    { "workflow_key_file", clarity_conf_set_workflow_keys },
    { "processes", set_processes },
    { "concurrency", set_concurrency },
    { "lease", set_lease },
    { "drain", set_drain },
    { "keep", set_keep },
    { "log", set_log },
    { "listen", clarity_conf_set_listen },
    { "allow_addresses", clarity_conf_set_allowed },
    { "ca_file", clarity_conf_set_ca_file },
    { "allow_exec", clarity_conf_set_commands },
    { "action_types", clarity_conf_set_types },
    { NULL, NULL },
};


clarity_conf_t *
clarity_conf_read(const char *file, clarity_error_t *error)
{
    bool done;
    clarity_buf_t text = { 0 };
    clarity_conf_t *conf;
    clarity_json_doc_t *doc;

    doc = NULL;
    done = false;

    conf = calloc(1, sizeof(clarity_conf_t));

    if (conf == NULL || (conf->file = strdup(file)) == NULL) {
        clarity_error(error, "%s: out of memory", file);
        goto done;
    }

    if (!clarity_file_read_waiting(file, CONF_FILE_MAX, &text, error)) {
        goto done;
    }

    doc = clarity_json_parse(
        clarity_buf_str(&text), file, CLARITY_JSON_UNIQUE_NAMES, error);

    if (doc == NULL) {
        goto done;
    }

    done = set_defaults(conf, error) && read_keys(conf, doc->root, error);

done:

    clarity_json_free(doc);
    clarity_buf_free(&text);

    if (!done) {
        clarity_conf_free(conf);
        return NULL;
    }

    return conf;
}


void
clarity_conf_free(clarity_conf_t *conf)
{
    size_t i;

    if (conf == NULL) {
        return;
    }

    for (i = 0; i < conf->ncommands; i++) {
        free(conf->commands[i]);
    }

    free(conf->commands);

    for (i = 0; i < conf->ntypes; i++) {
        free(conf->types[i]);
    }

    free(conf->types);

    explicit_bzero(conf->redis.password, sizeof(conf->redis.password));

    free(conf->file);
    free(conf->prefix);
    free(conf->triggers);
    free(conf->workflows);
    clarity_seal_keys_free(conf->keys);
    free(conf->log);
    free(conf->listen_host);
    free(conf->ca_file);
    free(conf->allowed);
    free(conf);
}


static bool
set_defaults(clarity_conf_t *conf, clarity_error_t *error)
{
    conf->shards = 1;
    conf->processes = 1;
    conf->concurrency = 64;
    conf->lease = 8 * SECOND;
    conf->drain = 25 * SECOND;
    conf->keep_succeeded = CLARITY_KEEP_SUCCEEDED;
    conf->keep_failed = CLARITY_KEEP_FAILED;

    conf->prefix = strdup("clarity");

    if (conf->prefix == NULL) {
        return clarity_error(error, "%s: out of memory", conf->file);
    }

    return clarity_redis_url_parse(
        clarity_lit("redis://127.0.0.1:6379/0"), &conf->redis, error);
}


static bool
read_keys(
    clarity_conf_t *conf, const clarity_json_t *root, clarity_error_t *error)
{
    const clarity_json_t *value;
    const clarity_conf_key_t *key;

    if (root->kind != CLARITY_OBJECT) {
        return clarity_error(error, "%s:%u: is %s, expected an object",
            conf->file, root->line, clarity_json_kind_name(root->kind));
    }

    for (value = root->first; value != NULL; value = value->next) {
        if (find_key(value->name) == NULL) {
            return unknown_key(conf, value, error);
        }
    }

    /* In the table's order: the password file comes after the URL. */

    for (key = conf_keys; key->name != NULL; key++) {
        value = clarity_json_get(root, clarity_str(key->name));

        if (value != NULL && !key->set(conf, value, error)) {
            return false;
        }
    }

    if (conf->triggers == NULL || conf->workflows == NULL) {
        return clarity_error(error,
            "%s:%u: has no \"%s\", expected the path of %s", conf->file,
            root->line, conf->triggers == NULL ? "triggers" : "workflows",
            conf->triggers == NULL ? "triggers.json"
                                   : "the folder of workflows");
    }

    return true;
}


static const clarity_conf_key_t *
find_key(clarity_str_t name)
{
    const clarity_conf_key_t *key;

    for (key = conf_keys; key->name != NULL; key++) {
        if (clarity_str_is(name, key->name)) {
            return key;
        }
    }

    return NULL;
}


static bool
unknown_key(const clarity_conf_t *conf, const clarity_json_t *value,
    clarity_error_t *error)
{
    char known[256];
    size_t len, n;
    const clarity_conf_key_t *key;

    len = 0;
    known[0] = '\0';

    for (key = conf_keys; key->name != NULL; key++) {
        n = strlen(key->name);

        if (len + n + 3 > sizeof(known)) {
            break;
        }

        if (len > 0) {
            memcpy(known + len, ", ", 2);
            len += 2;
        }

        memcpy(known + len, key->name, n + 1);
        len += n;
    }

    return clarity_error(error,
        "%s:%u: unknown key \"%.*s\", expected one of %s", conf->file,
        value->name_line, (int) (value->name.len < 64 ? value->name.len : 64),
        value->name.data, known);
}


static bool
set_redis(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    clarity_error_t why;

    if (value->kind != CLARITY_STRING) {
        return clarity_conf_wrong(conf, value, "a URL", error);
    }

    if (!clarity_redis_url_parse(value->text, &conf->redis, &why)) {
        return clarity_error(
            error, "%s:%u: \"redis\": %s", conf->file, value->line, why.text);
    }

    return true;
}


static bool
set_password(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    char *path, *password;
    clarity_error_t why;

    if (!clarity_conf_get_path(conf, value, &path, error)) {
        return false;
    }

    password = clarity_file_secret(path, &why);

    if (password != NULL && strlen(password) >= sizeof(conf->redis.password)) {
        clarity_error(&why, "%s: is longer than %zu bytes", path,
            sizeof(conf->redis.password) - 1);
        clarity_secret_wipe(password);
        password = NULL;
    }

    free(path);

    if (password == NULL) {
        return clarity_error(error, "%s:%u: \"redis_password_file\": %s",
            conf->file, value->line, why.text);
    }

    memcpy(conf->redis.password, password, strlen(password) + 1);
    clarity_secret_wipe(password);

    return true;
}


static bool
set_prefix(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    char *prefix;
    const char *reason;

    if (value->kind != CLARITY_STRING) {
        return clarity_conf_wrong(conf, value, "a string", error);
    }

    reason = clarity_prefix_refused(value->text);

    if (reason != NULL) {
        return clarity_error(
            error, "%s:%u: \"prefix\" %s", conf->file, value->line, reason);
    }

    prefix = strndup(value->text.data, value->text.len);

    if (prefix == NULL) {
        return clarity_error(error, "%s: out of memory", conf->file);
    }

    free(conf->prefix);
    conf->prefix = prefix;

    return true;
}


static bool
set_shards(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    if (!get_count(conf, value, 1, CLARITY_MAX_SHARDS, &conf->shards, error)) {
        return false;
    }

    if (conf->shards != 1) {
        return clarity_error(error,
            "%s:%u: \"shards\": more than 1 is not supported by this version",
            conf->file, value->line);
    }

    return true;
}


static bool
set_triggers(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    return clarity_conf_get_path(conf, value, &conf->triggers, error);
}


static bool
set_workflows(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    return clarity_conf_get_path(conf, value, &conf->workflows, error);
}


static bool
set_processes(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    size_t n;

    if (value->kind == CLARITY_STRING && clarity_str_is(value->text, "auto")) {
        conf->processes = 0;
        return true;
    }

    if (value->kind != CLARITY_NUMBER
        || !clarity_number_to_size(value->text, CLARITY_MAX_PROCESSES, &n)
        || n == 0)
    {
        return clarity_error(error,
            "%s:%u: \"processes\" is neither \"auto\" nor an integer from 1 "
            "to %u",
            conf->file, value->line, CLARITY_MAX_PROCESSES);
    }

    conf->processes = (unsigned) n;

    return true;
}


static bool
set_concurrency(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    conf->concurrency_line = value->line;

    return get_count(
        conf, value, 1, CLARITY_MAX_CONCURRENCY, &conf->concurrency, error);
}


static bool
set_lease(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    conf->lease_line = value->line;

    return get_duration(conf, value, SECOND, HOUR,
        "a duration from \"1s\" to \"1h\"", &conf->lease, error);
}


static bool
set_drain(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    return get_duration(conf, value, 0, HOUR,
        "a duration from \"0s\" to \"1h\"", &conf->drain, error);
}


static bool
set_keep(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    uint64_t *ms;
    const clarity_json_t *member;

    if (value->kind != CLARITY_OBJECT) {
        return clarity_conf_wrong(conf, value,
            "an object such as {\"succeeded\": \"24h\", \"failed\": \"14d\"}",
            error);
    }

    for (member = value->first; member != NULL; member = member->next) {
        if (clarity_str_is(member->name, "succeeded")) {
            ms = &conf->keep_succeeded;

        } else if (clarity_str_is(member->name, "failed")) {
            ms = &conf->keep_failed;

        } else {
            return clarity_error(error,
                "%s:%u: unknown key \"%.*s\" in \"keep\", expected "
                "\"succeeded\" or \"failed\"",
                conf->file, member->name_line,
                (int) (member->name.len < 64 ? member->name.len : 64),
                member->name.data);
        }

        if (!get_duration(conf, member, SECOND, 366 * DAY,
                "a duration from \"1s\" to \"366d\"", ms, error))
        {
            return false;
        }
    }

    return true;
}


static bool
set_log(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    return clarity_conf_get_path(conf, value, &conf->log, error);
}


bool
clarity_conf_get_path(const clarity_conf_t *conf, const clarity_json_t *value,
    char **path, clarity_error_t *error)
{
    if (value->kind != CLARITY_STRING || value->text.len == 0
        || memchr(value->text.data, '\0', value->text.len) != NULL)
    {
        return clarity_conf_wrong(conf, value, "a path", error);
    }

    *path = clarity_file_beside(conf->file, value->text);

    if (*path == NULL) {
        return clarity_error(error, "%s: out of memory", conf->file);
    }

    return true;
}


static bool
get_count(const clarity_conf_t *conf, const clarity_json_t *value, size_t min,
    size_t max, unsigned *count, clarity_error_t *error)
{
    size_t n;

    if (value->kind != CLARITY_NUMBER
        || !clarity_number_to_size(value->text, max, &n) || n < min)
    {
        return clarity_error(error,
            "%s:%u: \"%s\" is not an integer from %zu to %zu", conf->file,
            value->line, value->name.data, min, max);
    }

    *count = (unsigned) n;

    return true;
}


static bool
get_duration(const clarity_conf_t *conf, const clarity_json_t *value,
    uint64_t min, uint64_t max, const char *expected, uint64_t *ms,
    clarity_error_t *error)
{
    if (value->kind != CLARITY_STRING
        || !clarity_duration_parse(value->text, ms) || *ms < min || *ms > max)
    {
        return clarity_conf_wrong(conf, value, expected, error);
    }

    return true;
}


/* The value itself is not shown: it may be a secret at the wrong place. */

bool
clarity_conf_wrong(const clarity_conf_t *conf, const clarity_json_t *value,
    const char *expected, clarity_error_t *error)
{
    if (value->kind == CLARITY_STRING) {
        return clarity_error(error, "%s:%u: \"%s\" is not %s", conf->file,
            value->line, value->name.data, expected);
    }

    return clarity_error(error, "%s:%u: \"%s\" is %s, expected %s", conf->file,
        value->line, value->name.data, clarity_json_kind_name(value->kind),
        expected);
}
