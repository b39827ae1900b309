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

/* What the parts of loading share. */
typedef struct {
    const clarity_conf_t *conf;
    bool secrets; /* wanted */
    clarity_buf_t *errors;
    clarity_workflows_t *set;
    clarity_workflow_t *workflow; /* at hand */
    bool failed;                  /* it has, in a callback */
} loader_t;

static bool load_triggers(loader_t *loader);
static bool load_folder(loader_t *loader);
static int is_workflow(const struct dirent *entry);
static int by_name(const struct dirent **a, const struct dirent **b);
static bool load_workflow(loader_t *loader, const char *path);
static bool load_handlers(loader_t *loader);
static bool add_workflow(loader_t *loader, clarity_workflow_t *workflow);
static size_t collect_types(
    const clarity_conf_t *conf, const char *names[CLARITY_MAX_TYPES + 1]);
static size_t first_line(const clarity_buf_t *errors);
static bool prepare(loader_t *loader);
static bool trigger_has_room(const loader_t *loader, clarity_error_t *error);
static bool id_is_new(const loader_t *loader, clarity_error_t *error);
static bool commands_are_allowed(const loader_t *loader);
static bool is_allowed(const clarity_conf_t *conf, clarity_str_t command);
static bool load_zone(
    void *data, clarity_named_zone_t *zone, clarity_error_t *error);
static bool load_secret(
    void *data, clarity_secret_t *secret, clarity_error_t *error);
static bool load_secret_variable(
    const char *file, clarity_secret_t *secret, clarity_error_t *error);
static bool load_secret_file(
    const char *file, clarity_secret_t *secret, clarity_error_t *error);
static bool add_error(clarity_buf_t *errors, const clarity_error_t *error);


clarity_workflows_t *
clarity_workflows_load(
    const clarity_conf_t *conf, bool secrets, clarity_buf_t *errors)
{
    clarity_workflows_t *set;
    loader_t loader = { conf, secrets, errors, NULL, NULL, false };

    set = calloc(1, sizeof(clarity_workflows_t));

    if (set == NULL) {
        clarity_buf_addz(errors, "out of memory\n");
        return NULL;
    }

    set->references = 1;
    loader.set = set;

    /* Without triggers each workflow would only repeat that there are none. */

    if (!load_triggers(&loader) || !load_folder(&loader)
        || !load_handlers(&loader))
    {
        clarity_workflows_drop(set);
        return NULL;
    }

    return set;
}


clarity_workflows_t *
clarity_workflows_restore(clarity_str_t text,
    const clarity_triggers_t *triggers, const clarity_conf_t *conf,
    clarity_error_t *error)
{
    bool good;
    char path[PATH_MAX];
    const char *names[CLARITY_MAX_TYPES + 1];
    clarity_buf_t errors = { 0 };
    clarity_types_t types;
    clarity_workflows_t *set;
    loader_t loader = { conf, true, &errors, NULL, NULL, false };

    set = clarity_workflows_create_one();

    if (set == NULL) {
        clarity_error(error, "out of memory");
        return NULL;
    }

    snprintf(path, sizeof(path), "%s/restored.json", conf->workflows);

    loader.set = set;
    types.names = names;
    types.n = collect_types(conf, names);

    loader.workflow =
        clarity_workflow_parse_all(text, path, triggers, &types, &errors);

    good = loader.workflow != NULL;

    if (good) {
        set->workflows[set->count++] = loader.workflow;
        good = prepare(&loader);
    }

    if (!good) {
        clarity_error(error, "%.*s", (int) first_line(&errors), errors.data);
        clarity_workflows_drop(set);
    }

    clarity_buf_free(&errors);

    return good ? set : NULL;
}


/* One that was begun may be a handler's too. */
static size_t
collect_types(
    const clarity_conf_t *conf, const char *names[CLARITY_MAX_TYPES + 1])
{
    size_t i;

    for (i = 0; i < conf->ntypes; i++) {
        names[i] = conf->types[i];
    }

    names[i] = CLARITY_TYPE_ON;

    return i + 1;
}


static size_t
first_line(const clarity_buf_t *errors)
{
    const char *end;

    end = errors->len > 0 ? memchr(errors->data, '\n', errors->len) : NULL;

    return end != NULL ? (size_t) (end - errors->data) : errors->len;
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
load_triggers(loader_t *loader)
{
    const char *path;
    clarity_buf_t text = { 0 };
    clarity_error_t error;

    path = loader->conf->triggers;

    if (clarity_file_read(path, TRIGGERS_FILE_MAX, &text, &error)) {
        loader->set->triggers =
            clarity_triggers_parse(clarity_buf_str(&text), path, &error);
    }

    clarity_buf_free(&text);

    return loader->set->triggers != NULL || add_error(loader->errors, &error);
}


static bool
load_folder(loader_t *loader)
{
    int i, n;
    bool good;
    const char *folder;
    clarity_buf_t path = { 0 };
    clarity_error_t error;
    struct dirent **entries;

    folder = loader->conf->workflows;
    n = scandir(folder, &entries, is_workflow, by_name);

    if (n == -1) {
        clarity_error(&error, "%s: cannot be read as a folder: %s", folder,
            strerror(errno));
        return add_error(loader->errors, &error);
    }

    good = true;
    loader->set->workflows = calloc(
        (size_t) n + loader->conf->nhandled + 1, sizeof(clarity_workflow_t *));

    if (loader->set->workflows == NULL) {
        clarity_error(&error, "%s: out of memory", folder);
        good = add_error(loader->errors, &error);
        goto done;
    }

    for (i = 0; i < n; i++) {
        clarity_buf_reset(&path);
        clarity_buf_addf(&path, "%s/%s", folder, entries[i]->d_name);
        clarity_buf_add(&path, (clarity_str_t){ "", 1 });

        if (path.failed) {
            clarity_error(&error, "%s: out of memory", folder);
            good = add_error(loader->errors, &error);
            goto done;
        }

        if (!load_workflow(loader, path.data)) {
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


/* Each error is one of its own: none of them is left out. */
static bool
load_workflow(loader_t *loader, const char *path)
{
    bool good;
    clarity_buf_t text = { 0 };
    clarity_types_t types;
    clarity_error_t error;

    if (!clarity_file_read(path, WORKFLOW_FILE_MAX, &text, &error)) {
        clarity_buf_free(&text);
        return add_error(loader->errors, &error);
    }

    types.names = (const char *const *) loader->conf->types;
    types.n = loader->conf->ntypes;

    good = add_workflow(
        loader, clarity_workflow_parse_all(clarity_buf_str(&text), path,
                    loader->set->triggers, &types, loader->errors));

    clarity_buf_free(&text);

    return good;
}


/*
 * Each trigger that a program has a handler for is a workflow of one action:
 * so its jobs are kept, repeated and shown like all others.
 */
static bool
load_handlers(loader_t *loader)
{
    bool good;
    size_t i;
    const char *trigger;
    clarity_buf_t text = { 0 };
    static const char *const names[] = { CLARITY_TYPE_ON };
    static const clarity_types_t types = { names, 1 };

    good = true;

    for (i = 0; i < loader->conf->nhandled; i++) {
        trigger = loader->conf->handled[i];

        clarity_buf_reset(&text);
        clarity_buf_addf(&text, "{\"id\":\"on-%s\",\"trigger\":", trigger);
        clarity_buf_add_json(&text, clarity_str(trigger));
        clarity_buf_addz(&text,
            ",\"actions\":[{\"id\":\"handle\",\"type\":\"" CLARITY_TYPE_ON
            "\",\"timeout\":\"1h\"}]}");

        good &= add_workflow(
            loader, clarity_workflow_parse_all(clarity_buf_str(&text),
                        "the handler of a trigger", loader->set->triggers,
                        &types, loader->errors));
    }

    clarity_buf_free(&text);

    return good;
}


/* workflow NULL: it could not be read, which has been told. */
static bool
add_workflow(loader_t *loader, clarity_workflow_t *workflow)
{
    clarity_error_t error;

    if (workflow == NULL) {
        return false;
    }

    loader->workflow = workflow;
    loader->failed = false;

    if (!id_is_new(loader, &error) || !trigger_has_room(loader, &error)) {
        loader->failed = !add_error(loader->errors, &error);
    }

    if (!prepare(loader)) {
        clarity_workflow_free(workflow);
        return false;
    }

    loader->set->workflows[loader->set->count++] = workflow;

    return true;
}


/* What is not in its text. */
static bool
prepare(loader_t *loader)
{
    clarity_error_t error;

    loader->failed |= !commands_are_allowed(loader);

    clarity_workflow_each_zone(loader->workflow, load_zone, loader, &error);

    if (loader->secrets) {
        clarity_workflow_each_secret(
            loader->workflow, load_secret, loader, &error);
    }

    return !loader->failed;
}


static bool
id_is_new(const loader_t *loader, clarity_error_t *error)
{
    const clarity_json_t *id;
    const clarity_workflow_t *workflow, *other;

    workflow = loader->workflow;
    other = clarity_workflows_find(loader->set, workflow->id);

    if (other == NULL) {
        return true;
    }

    id = clarity_json_get(workflow->doc->root, clarity_lit("id"));

    return clarity_error(error,
        "%s:%u: the id \"%.*s\" is also that of %s, expected an id of its own",
        workflow->file, id != NULL ? id->line : 1, clarity_fmt(workflow->id),
        other->file);
}


/* A job's runs are begun in one call, whose script has so many arguments. */
static bool
trigger_has_room(const loader_t *loader, clarity_error_t *error)
{
    size_t i, n;
    const clarity_workflow_t *workflow = loader->workflow;

    n = workflow->active ? 1 : 0;

    for (i = 0; i < loader->set->count && n > 0; i++) {
        n += loader->set->workflows[i]->active
             && clarity_str_eq(
                 loader->set->workflows[i]->trigger, workflow->trigger);
    }

    return n <= CLARITY_MAX_RUNS
           || clarity_error(error,
               "%s:%u: active, with %d others of trigger %s, expected %d in "
               "all",
               workflow->file,
               clarity_json_get(workflow->doc->root, clarity_lit("trigger"))
                   ->line,
               CLARITY_MAX_RUNS, clarity_quote(workflow->trigger).text,
               CLARITY_MAX_RUNS);
}


static bool
commands_are_allowed(const loader_t *loader)
{
    bool good;
    size_t i;
    clarity_error_t error;
    const clarity_action_t *action;

    good = true;

    for (i = 0; i < loader->workflow->nactions; i++) {
        action = &loader->workflow->actions[i];

        if (action->type == CLARITY_ACTION_EXEC
            && !is_allowed(loader->conf, action->exec.command))
        {
            clarity_error(&error,
                "%s:%u: \"command\" is %s, expected one that \"allow_exec\" "
                "of %s has",
                loader->workflow->file, action->exec.command_line,
                clarity_quote(action->exec.command).text, loader->conf->file);
            good = add_error(loader->errors, &error);
        }
    }

    return good;
}


static bool
is_allowed(const clarity_conf_t *conf, clarity_str_t command)
{
    size_t i;

    for (i = 0; i < conf->ncommands; i++) {
        if (clarity_str_is(command, conf->commands[i])) {
            return true;
        }
    }

    return false;
}


/* It, and that below, return true: the others are to be looked at too. */
static bool
load_zone(void *data, clarity_named_zone_t *zone, clarity_error_t *error)
{
    clarity_error_t why;
    loader_t *loader = data;

    zone->zone = clarity_zone_read(zone->name, &why);

    if (zone->zone == NULL) {
        clarity_error(error, "%s:%u: the time zone %s: %s",
            loader->workflow->file, zone->line, clarity_quote(zone->name).text,
            why.text);
        loader->failed = !add_error(loader->errors, error);
    }

    return true;
}


static bool
load_secret(void *data, clarity_secret_t *secret, clarity_error_t *error)
{
    bool loaded;
    loader_t *loader = data;

    loaded = secret->is_file
                 ? load_secret_file(loader->workflow->file, secret, error)
                 : load_secret_variable(loader->workflow->file, secret, error);

    if (!loaded) {
        loader->failed = !add_error(loader->errors, error);
    }

    return true;
}


static bool
load_secret_variable(
    const char *file, clarity_secret_t *secret, clarity_error_t *error)
{
    char *name, *value;
    const char *reason;

    name = strndup(secret->source.data, secret->source.len);

    if (name == NULL) {
        return clarity_error(error, "%s: out of memory", file);
    }

    value = getenv(name);
    free(name);

    reason = value == NULL ? "is not set"
                           : clarity_secret_refused(clarity_str(value));

    if (reason != NULL) {
        return clarity_error(error,
            "%s:%u: the environment variable %.*s %s, expected the secret "
            "\"%.*s\" in it",
            file, secret->line, clarity_fmt(secret->source), reason,
            clarity_fmt(secret->name));
    }

    secret->value = strdup(value);

    return secret->value != NULL
           || clarity_error(error, "%s: out of memory", file);
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
