#include "conf/workflows.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/file.h"
#include "conf/zone.h"
#include "json/text.h"

#define TRIGGERS_FILE_MAX ((size_t) 4 << 20)
#define WORKFLOW_FILE_MAX ((size_t) 1 << 20)

static bool load_triggers(
    clarity_workflows_t *set, const char *path, clarity_buf_t *errors);
static bool load_folder(clarity_workflows_t *set, const clarity_conf_t *conf,
    clarity_buf_t *errors);
static int is_workflow(const struct dirent *entry);
static int by_name(const struct dirent **a, const struct dirent **b);
static bool load_workflow(clarity_workflows_t *set, const clarity_conf_t *conf,
    const char *path, clarity_buf_t *errors);
static bool id_is_new(const clarity_workflows_t *set,
    const clarity_workflow_t *workflow, clarity_error_t *error);
static bool commands_are_allowed(const clarity_conf_t *conf,
    const clarity_workflow_t *workflow, clarity_error_t *error);
static bool load_zone(
    void *data, clarity_named_zone_t *zone, clarity_error_t *error);
static bool load_secret(
    void *data, clarity_secret_t *secret, clarity_error_t *error);
static bool load_secret_file(
    const char *file, clarity_secret_t *secret, clarity_error_t *error);
static bool add_error(clarity_buf_t *errors, const clarity_error_t *error);


clarity_workflows_t *
clarity_workflows_load(const clarity_conf_t *conf, clarity_buf_t *errors)
{
    clarity_workflows_t *set;

    set = calloc(1, sizeof(clarity_workflows_t));

    if (set == NULL) {
        clarity_buf_addz(errors, "out of memory\n");
        return NULL;
    }

    set->references = 1;

    /* Without triggers each workflow would only repeat that there are none. */

    if (!load_triggers(set, conf->triggers, errors)
        || !load_folder(set, conf, errors))
    {
        clarity_workflows_drop(set);
        return NULL;
    }

    return set;
}


clarity_workflows_t *
clarity_workflows_restore(clarity_str_t text,
    const clarity_triggers_t *triggers, const char *folder,
    clarity_error_t *error)
{
    char path[PATH_MAX];
    clarity_workflow_t *workflow;
    clarity_workflows_t *set;

    snprintf(path, sizeof(path), "%s/restored.json", folder);

    workflow = clarity_workflow_parse(text, path, triggers, error);

    if (workflow == NULL) {
        return NULL;
    }

    set = calloc(1, sizeof(clarity_workflows_t));

    if (set != NULL) {
        set->references = 1;
        set->workflows = calloc(1, sizeof(clarity_workflow_t *));
    }

    if (set == NULL || set->workflows == NULL) {
        clarity_error(error, "out of memory");
        clarity_workflow_free(workflow);
        free(set);
        return NULL;
    }

    set->workflows[set->count++] = workflow;

    if (!clarity_workflow_each_secret(workflow, load_secret, workflow, error))
    {
        clarity_workflows_drop(set);
        return NULL;
    }

    return set;
}


clarity_workflows_t *
clarity_workflows_use(clarity_workflows_t *set)
{
    set->references++;

    return set;
}


void
clarity_workflows_drop(clarity_workflows_t *set)
{
    size_t i;

    if (set == NULL || --set->references > 0) {
        return;
    }

    for (i = 0; i < set->count; i++) {
        clarity_workflow_free(set->workflows[i]);
    }

    free(set->workflows);
    clarity_triggers_free(set->triggers);
    free(set);
}


const clarity_workflow_t *
clarity_workflows_find(const clarity_workflows_t *set, clarity_str_t id)
{
    size_t i;

    for (i = 0; i < set->count; i++) {
        if (clarity_str_eq(set->workflows[i]->id, id)) {
            return set->workflows[i];
        }
    }

    return NULL;
}


static bool
load_triggers(
    clarity_workflows_t *set, const char *path, clarity_buf_t *errors)
{
    clarity_buf_t text = { 0 };
    clarity_error_t error;

    if (clarity_file_read(path, TRIGGERS_FILE_MAX, &text, &error)) {
        set->triggers =
            clarity_triggers_parse(clarity_buf_str(&text), path, &error);
    }

    clarity_buf_free(&text);

    return set->triggers != NULL || add_error(errors, &error);
}


static bool
load_folder(clarity_workflows_t *set, const clarity_conf_t *conf,
    clarity_buf_t *errors)
{
    int i, n;
    bool good;
    const char *folder;
    clarity_buf_t path = { 0 };
    clarity_error_t error;
    struct dirent **entries;

    folder = conf->workflows;
    n = scandir(folder, &entries, is_workflow, by_name);

    if (n == -1) {
        clarity_error(&error, "%s: cannot be read as a folder: %s", folder,
            strerror(errno));
        return add_error(errors, &error);
    }

    good = true;
    set->workflows = calloc((size_t) n + 1, sizeof(clarity_workflow_t *));

    if (set->workflows == NULL) {
        clarity_error(&error, "%s: out of memory", folder);
        good = add_error(errors, &error);
        goto done;
    }

    for (i = 0; i < n; i++) {
        clarity_buf_reset(&path);
        clarity_buf_addf(&path, "%s/%s", folder, entries[i]->d_name);
        clarity_buf_add(&path, (clarity_str_t){ "", 1 });

        if (path.failed) {
            clarity_error(&error, "%s: out of memory", folder);
            good = add_error(errors, &error);
            goto done;
        }

        if (!load_workflow(set, conf, path.data, errors)) {
            good = false;
        }
    }

done:

    for (i = 0; i < n; i++) {
        free(entries[i]);
    }

    free(entries);
    clarity_buf_free(&path);

    return good;
}


static int
is_workflow(const struct dirent *entry)
{
    size_t len;

    len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5
           && strcmp(entry->d_name + len - 5, ".json") == 0;
}


/* Not alphasort(): the order must not depend on the locale. */

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}


static bool
load_workflow(clarity_workflows_t *set, const clarity_conf_t *conf,
    const char *path, clarity_buf_t *errors)
{
    clarity_buf_t text = { 0 };
    clarity_error_t error;
    clarity_workflow_t *workflow;

    workflow = NULL;

    if (clarity_file_read(path, WORKFLOW_FILE_MAX, &text, &error)) {
        workflow = clarity_workflow_parse(
            clarity_buf_str(&text), path, set->triggers, &error);
    }

    clarity_buf_free(&text);

    if (workflow == NULL) {
        return add_error(errors, &error);
    }

    if (!id_is_new(set, workflow, &error)
        || !commands_are_allowed(conf, workflow, &error)
        || !clarity_workflow_each_zone(workflow, load_zone, workflow, &error)
        || !clarity_workflow_each_secret(
            workflow, load_secret, workflow, &error))
    {
        clarity_workflow_free(workflow);
        return add_error(errors, &error);
    }

    set->workflows[set->count++] = workflow;

    return true;
}


static bool
id_is_new(const clarity_workflows_t *set, const clarity_workflow_t *workflow,
    clarity_error_t *error)
{
    const clarity_json_t *id;
    const clarity_workflow_t *other;

    other = clarity_workflows_find(set, workflow->id);

    if (other == NULL) {
        return true;
    }

    id = clarity_json_get(workflow->doc->root, clarity_lit("id"));

    return clarity_error(error,
        "%s:%u: the id \"%.*s\" is also that of %s, expected an id of its own",
        workflow->file, id != NULL ? id->line : 1, clarity_fmt(workflow->id),
        other->file);
}


static bool
commands_are_allowed(const clarity_conf_t *conf,
    const clarity_workflow_t *workflow, clarity_error_t *error)
{
    size_t i, j;
    const clarity_action_t *action;

    for (i = 0; i < workflow->nactions; i++) {
        action = &workflow->actions[i];

        if (action->type != CLARITY_ACTION_EXEC) {
            continue;
        }

        for (j = 0; j < conf->ncommands; j++) {
            if (clarity_str_is(action->exec.command, conf->commands[j])) {
                break;
            }
        }

        if (j == conf->ncommands) {
            return clarity_error(error,
                "%s:%u: \"command\" is %s, expected one that \"allow_exec\" "
                "of %s has",
                workflow->file, action->exec.command_line,
                clarity_quote(action->exec.command).text, conf->file);
        }
    }

    return true;
}


static bool
load_zone(void *data, clarity_named_zone_t *zone, clarity_error_t *error)
{
    clarity_error_t why;
    const clarity_workflow_t *workflow = data;

    zone->zone = clarity_zone_read(zone->name, &why);

    return zone->zone != NULL
           || clarity_error(error, "%s:%u: the time zone %s: %s",
               workflow->file, zone->line, clarity_quote(zone->name).text,
               why.text);
}


static bool
load_secret(void *data, clarity_secret_t *secret, clarity_error_t *error)
{
    char *name, *value;
    const char *reason;
    clarity_workflow_t *workflow = data;

    if (secret->is_file) {
        return load_secret_file(workflow->file, secret, error);
    }

    name = strndup(secret->source.data, secret->source.len);

    if (name == NULL) {
        return clarity_error(error, "%s: out of memory", workflow->file);
    }

    value = getenv(name);
    free(name);

    reason = value == NULL ? "is not set"
                           : clarity_secret_refused(clarity_str(value));

    if (reason != NULL) {
        return clarity_error(error,
            "%s:%u: the environment variable %.*s %s, expected the secret "
            "\"%.*s\" in it",
            workflow->file, secret->line, clarity_fmt(secret->source), reason,
            clarity_fmt(secret->name));
    }

    secret->value = strdup(value);

    return secret->value != NULL
           || clarity_error(error, "%s: out of memory", workflow->file);
}


static bool
load_secret_file(
    const char *file, clarity_secret_t *secret, clarity_error_t *error)
{
    char *path;
    clarity_error_t why;

    path = clarity_file_beside(file, secret->source);

    if (path == NULL) {
        return clarity_error(error, "%s: out of memory", file);
    }

    secret->value = clarity_file_secret(path, &why);
    free(path);

    if (secret->value == NULL) {
        return clarity_error(error, "%s:%u: the secret \"%.*s\": %s", file,
            secret->line, clarity_fmt(secret->name), why.text);
    }

    return true;
}


static bool
add_error(clarity_buf_t *errors, const clarity_error_t *error)
{
    clarity_buf_addz(errors, error->text);
    clarity_buf_addz(errors, "\n");

    return false;
}
