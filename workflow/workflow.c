#include "workflow/workflow.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "workflow/own_trigger.h"
#include "workflow/parse.h"

#define CLARITY_ID_FORM "1 to 64 of A-Z, a-z, 0-9, \"_\" and \"-\""

typedef struct {
    clarity_load_t load;
    clarity_workflow_t *workflow;
    clarity_names_t names;
    const clarity_types_t *types;
    clarity_str_t *steps;   /* owned */
    clarity_str_t *secrets; /* owned */
} parser_t;

static clarity_workflow_t *parse(clarity_str_t text,
    const clarity_load_t *load, const clarity_triggers_t *triggers,
    const clarity_types_t *types);
static bool read_workflow(
    parser_t *parser, clarity_str_t text, const clarity_triggers_t *triggers);
static bool read_members(parser_t *parser, const clarity_triggers_t *triggers);
static bool read_name(
    parser_t *parser, const clarity_json_t *id, const clarity_json_t *name);
static bool read_trigger(parser_t *parser, const clarity_json_t *value,
    const clarity_triggers_t *triggers);
static bool read_conditions(parser_t *parser, const clarity_json_t *value);
static bool read_start(parser_t *parser, const clarity_json_t *value);
static bool read_secrets(parser_t *parser, const clarity_json_t *value);
static bool read_actions(parser_t *parser, const clarity_json_t *value);
static bool read_action(parser_t *parser, const clarity_json_t *value);
static bool make_digest(clarity_workflow_t *workflow, clarity_str_t text);
static bool is_id(clarity_str_t text);


clarity_workflow_t *
clarity_workflow_parse(clarity_str_t text, const char *file,
    const clarity_triggers_t *triggers, clarity_error_t *error)
{
    clarity_load_t load = { file, error, NULL };

    return parse(text, &load, triggers, &(clarity_types_t){ 0 });
}


clarity_workflow_t *
clarity_workflow_parse_all(clarity_str_t text, const char *file,
    const clarity_triggers_t *triggers, const clarity_types_t *types,
    clarity_buf_t *errors)
{
    clarity_error_t error = { 0 };
    clarity_load_t load = { file, &error, errors };
    clarity_workflow_t *workflow;

    workflow = parse(text, &load, triggers, types);

    if (workflow == NULL) {
        (void) clarity_load_goes_on(&load);
    }

    return workflow;
}


static clarity_workflow_t *
parse(clarity_str_t text, const clarity_load_t *load,
    const clarity_triggers_t *triggers, const clarity_types_t *types)
{
    bool ok;
    parser_t parser = { .load = *load, .types = types };

    parser.workflow = calloc(1, sizeof(*parser.workflow));
    if (parser.workflow == NULL) {
        clarity_load_no_memory(&parser.load);
        return NULL;
    }

    ok = read_workflow(&parser, text, triggers);

    free(parser.steps);
    free(parser.secrets);

    if (!ok) {
        clarity_workflow_free(parser.workflow);
        return NULL;
    }

    return parser.workflow;
}


static bool
read_workflow(
    parser_t *parser, clarity_str_t text, const clarity_triggers_t *triggers)
{
    size_t len;
    const clarity_load_t *load;
    clarity_workflow_t *workflow;

    load = &parser->load;
    workflow = parser->workflow;

    if (text.len > CLARITY_WORKFLOW_MAX) {
        return clarity_load_error(load, 1,
            "the file has %zu bytes, expected %d at most", text.len,
            CLARITY_WORKFLOW_MAX);
    }

    len = strlen(load->file) + 1;
    workflow->file = malloc(len);

    clarity_buf_add(&workflow->text, text);

    if (workflow->file == NULL || workflow->text.failed
        || !make_digest(workflow, text))
    {
        return clarity_load_no_memory(load);
    }

    memcpy(workflow->file, load->file, len);

    workflow->doc = clarity_json_parse(
        text, load->file, CLARITY_JSON_UNIQUE_NAMES, load->error);

    return workflow->doc != NULL && read_members(parser, triggers);
}


static bool
read_members(parser_t *parser, const clarity_triggers_t *triggers)
{
    bool good;
    clarity_workflow_t *workflow;
    const clarity_load_t *load;
    const clarity_json_t *active;
    enum { ID, NAME, TRIGGER, ACTIVE, CONDITIONS, START, SECRETS, ACTIONS, N };
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [NAME] = { "name", CLARITY_STRING, false, NULL },
        [TRIGGER] = { "trigger", CLARITY_STRING, true, NULL },
        [ACTIVE] = { "active", CLARITY_BOOLEAN, false, NULL },
        [CONDITIONS] = { "conditions", CLARITY_OBJECT, false, NULL },
        [START] = { "start", CLARITY_OBJECT, false, NULL },
        [SECRETS] = { "secrets", CLARITY_OBJECT, false, NULL },
        [ACTIONS] = { "actions", CLARITY_ARRAY, true, NULL },
    };

    load = &parser->load;
    workflow = parser->workflow;
    good = true;

    if (!clarity_load_took(load,
            clarity_load_members(
                load, workflow->doc->root, "a workflow", members, N),
            &good)
        || !clarity_load_took(load,
            read_name(parser, members[ID].value, members[NAME].value), &good)
        || !clarity_load_took(load,
            read_trigger(parser, members[TRIGGER].value, triggers), &good))
    {
        return false;
    }

    active = members[ACTIVE].value;
    workflow->active = (active == NULL || active->boolean);

    return clarity_load_took(
               load, read_conditions(parser, members[CONDITIONS].value), &good)
           && clarity_load_took(
               load, read_start(parser, members[START].value), &good)
           && clarity_load_took(
               load, read_secrets(parser, members[SECRETS].value), &good)
           && clarity_load_took(
               load, read_actions(parser, members[ACTIONS].value), &good)
           && good;
}


static bool
read_conditions(parser_t *parser, const clarity_json_t *value)
{
    if (value == NULL) {
        return true;
    }

    parser->workflow->conditions =
        clarity_condition_read(value, &parser->load, parser->names.trigger);

    return parser->workflow->conditions != NULL;
}


static bool
read_name(
    parser_t *parser, const clarity_json_t *id, const clarity_json_t *name)
{
    clarity_workflow_t *workflow;

    workflow = parser->workflow;

    /* That it is missing, or of another kind, has been said. */
    if (id == NULL || !clarity_id_parse(&workflow->id, id, &parser->load)) {
        return false;
    }

    workflow->name = workflow->id;

    if (name == NULL) {
        return true;
    }

    if (name->text.len == 0 || name->text.len > CLARITY_WORKFLOW_NAME_MAX
        || clarity_has_control(name->text))
    {
        return clarity_load_error(&parser->load, name->line,
            "\"name\" is empty, long or has a control byte, expected 1 to %d "
            "bytes on one line",
            CLARITY_WORKFLOW_NAME_MAX);
    }

    workflow->name = name->text;

    return true;
}


static bool
read_trigger(parser_t *parser, const clarity_json_t *value,
    const clarity_triggers_t *triggers)
{
    size_t i;
    clarity_list_t list = { 0 };

    if (value == NULL) {
        return false;
    }

    parser->names.trigger = clarity_trigger_find(triggers, value->text);

    if (parser->names.trigger != NULL) {
        parser->workflow->trigger = value->text;
        return true;
    }

    for (i = 0; i < triggers->count; i++) {
        clarity_list_add(&list, triggers->triggers[i].name);
    }

    clarity_list_add(&list, clarity_lit(CLARITY_TRIGGER_JOB_FAILED));

    return clarity_load_error(&parser->load, value->line,
        "unknown trigger %s, triggers are %s", clarity_quote(value->text).text,
        list.text);
}


static bool
read_start(parser_t *parser, const clarity_json_t *value)
{
    clarity_member_t members[] = {
        { "at", CLARITY_STRING, false, NULL },
        { "delay", CLARITY_STRING, false, NULL },
    };

    return value == NULL
           || (clarity_load_members(
                   &parser->load, value, "\"start\"", members, 2)
               && clarity_when_parse(&parser->workflow->start,
                   members[0].value, members[1].value, "\"start\"",
                   value->line, &parser->names, &parser->load));
}


static bool
read_secrets(parser_t *parser, const clarity_json_t *value)
{
    bool good;
    clarity_quote_t quote;
    const clarity_json_t *child;
    clarity_secret_t *secret;
    clarity_workflow_t *workflow;

    if (value == NULL || value->count == 0) {
        return true;
    }

    good = true;

    workflow = parser->workflow;

    workflow->secrets = calloc(value->count, sizeof(*workflow->secrets));
    parser->secrets = calloc(value->count, sizeof(*parser->secrets));

    if (workflow->secrets == NULL || parser->secrets == NULL) {
        return clarity_load_no_memory(&parser->load);
    }

    for (child = value->first; child != NULL; child = child->next) {
        if (!is_id(child->name)) {
            good = clarity_load_error(&parser->load, child->name_line,
                "a secret's name is %s, expected " CLARITY_ID_FORM,
                clarity_quote(child->name).text);

            if (!clarity_load_goes_on(&parser->load)) {
                return false;
            }
        }

        secret = &workflow->secrets[workflow->nsecrets];
        quote = clarity_quote(child->name);

        secret->name = child->name;
        parser->secrets[workflow->nsecrets++] = child->name;

        if (!clarity_load_took(&parser->load,
                clarity_secret_parse(secret, child, quote.text, &parser->load),
                &good))
        {
            return false;
        }
    }

    parser->names.secrets = parser->secrets;
    parser->names.nsecrets = workflow->nsecrets;

    return good;
}


static bool
read_actions(parser_t *parser, const clarity_json_t *value)
{
    bool good;
    const clarity_json_t *child;
    clarity_workflow_t *workflow;

    if (value == NULL) {
        return false;
    }

    if (value->count == 0 || value->count > CLARITY_MAX_ACTIONS) {
        return clarity_load_error(&parser->load, value->line,
            "\"actions\" has %zu, expected 1 to %d", value->count,
            CLARITY_MAX_ACTIONS);
    }

    workflow = parser->workflow;

    workflow->actions = calloc(value->count, sizeof(*workflow->actions));
    parser->steps = calloc(value->count, sizeof(*parser->steps));

    if (workflow->actions == NULL || parser->steps == NULL) {
        return clarity_load_no_memory(&parser->load);
    }

    parser->names.steps = parser->steps;
    good = true;

    for (child = value->first; child != NULL; child = child->next) {
        if (!clarity_load_took(
                &parser->load, read_action(parser, child), &good)) {
            return false;
        }
    }

    return good;
}


static bool
read_action(parser_t *parser, const clarity_json_t *value)
{
    bool good;
    size_t i;
    const clarity_json_t *id;
    clarity_action_t *action;

    action = &parser->workflow->actions[parser->workflow->nactions++];
    good = true;

    if (!clarity_load_took(&parser->load,
            clarity_action_parse(
                action, value, &parser->names, parser->types, &parser->load),
            &good))
    {
        return false;
    }

    id = clarity_json_get(value, clarity_lit("id"));

    /* Those after it can name it, whatever else is wrong with it. */
    if (id == NULL || id->kind != CLARITY_STRING || !is_id(id->text)) {
        return good;
    }

    for (i = 0; i < parser->names.nsteps; i++) {
        if (clarity_str_eq(parser->steps[i], id->text)) {
            return clarity_load_error(&parser->load, action->line,
                "the second action with id %s, expected an id of its own",
                clarity_quote(id->text).text);
        }
    }

    parser->steps[parser->names.nsteps++] = id->text;

    return good;
}


static bool
make_digest(clarity_workflow_t *workflow, clarity_str_t text)
{
    size_t i;
    unsigned char digest[EVP_MAX_MD_SIZE];
    static const char hex[] = "0123456789abcdef";

    if (EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) != 1)
    {
        return false;
    }

    for (i = 0; i < CLARITY_DIGEST_HEX / 2; i++) {
        workflow->digest[2 * i] = hex[digest[i] >> 4];
        workflow->digest[2 * i + 1] = hex[digest[i] & 0xf];
    }

    return true;
}


bool
clarity_id_parse(
    clarity_str_t *id, const clarity_json_t *value, const clarity_load_t *load)
{
    if (!is_id(value->text)) {
        return clarity_load_error(load, value->line,
            "\"id\" is %s, expected " CLARITY_ID_FORM,
            clarity_quote(value->text).text);
    }

    *id = value->text;

    return true;
}


static bool
is_id(clarity_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')
            && !(c >= '0' && c <= '9') && c != '_' && c != '-')
        {
            return false;
        }
    }

    return text.len > 0 && text.len <= CLARITY_WORKFLOW_ID_MAX;
}


void
clarity_workflow_free(clarity_workflow_t *workflow)
{
    size_t i;

    if (workflow == NULL) {
        return;
    }

    if (workflow->shared > 0) {
        workflow->shared--;
        return;
    }

    for (i = 0; i < workflow->nactions; i++) {
        clarity_action_clear(&workflow->actions[i]);
    }

    for (i = 0; i < workflow->nsecrets; i++) {
        clarity_secret_clear(&workflow->secrets[i]);
    }

    clarity_condition_free(workflow->conditions);
    clarity_when_clear(&workflow->start);
    clarity_json_free(workflow->doc);

    clarity_buf_free(&workflow->text);
    free(workflow->actions);
    free(workflow->secrets);
    free(workflow->file);
    free(workflow);
}


bool
clarity_workflow_each_secret(clarity_workflow_t *workflow,
    clarity_secret_pt each, void *data, clarity_error_t *error)
{
    size_t i;
    clarity_secret_t *credential;

    for (i = 0; i < workflow->nsecrets; i++) {
        if (!each(data, &workflow->secrets[i], error)) {
            return false;
        }
    }

    for (i = 0; i < workflow->nactions; i++) {
        credential = workflow->actions[i].http.credential;

        if (credential != NULL && !each(data, credential, error)) {
            return false;
        }
    }

    return true;
}


bool
clarity_workflow_each_zone(clarity_workflow_t *workflow, clarity_zone_pt each,
    void *data, clarity_error_t *error)
{
    return clarity_condition_each_zone(
        workflow->conditions, each, data, error);
}
