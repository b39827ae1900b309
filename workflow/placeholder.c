#include "workflow/load.h"
#include "workflow/piece.h"

static bool parse_step(clarity_piece_t *piece, clarity_str_t rest,
    const clarity_names_t *names, clarity_error_t *error);
static bool parse_job(
    clarity_piece_t *piece, clarity_str_t rest, clarity_error_t *error);
static bool parse_secret(clarity_piece_t *piece, clarity_str_t rest,
    const clarity_names_t *names, clarity_error_t *error);
static bool parse_parameter(clarity_piece_t *piece,
    const clarity_names_t *names, clarity_error_t *error);
static bool refuse(
    const clarity_piece_t *piece, const char *what, clarity_error_t *error);
static bool among(clarity_str_t name, const clarity_str_t *names, size_t n);
static void list_names(
    clarity_list_t *list, const clarity_str_t *names, size_t n);


/*
 * "job", "secrets" and "steps" mean what they say here, also where a trigger
 * has a parameter of that name.
 */
bool
clarity_placeholder_parse(clarity_piece_t *piece, clarity_str_t text,
    const clarity_names_t *names, clarity_error_t *error)
{
    clarity_error_t what;
    clarity_str_t first, rest;

    piece->text = text;

    if (text.len == 0) {
        return clarity_error(
            error, "an empty placeholder \"{{}}\", expected a name in it");
    }

    if (memchr(text.data, '{', text.len) || memchr(text.data, '}', text.len)) {
        return refuse(piece, "a brace in the name, expected {{name}}", error);
    }

    if (!clarity_path_check(text, &what)) {
        return refuse(piece, what.text, error);
    }

    first = clarity_path_first(text, &rest);

    if (clarity_str_is(first, "steps")) {
        return parse_step(piece, rest, names, error);
    }

    if (clarity_str_is(first, "job")) {
        return parse_job(piece, rest, error);
    }

    if (clarity_str_is(first, "secrets")) {
        return parse_secret(piece, rest, names, error);
    }

    return parse_parameter(piece, names, error);
}


static bool
parse_step(clarity_piece_t *piece, clarity_str_t rest,
    const clarity_names_t *names, clarity_error_t *error)
{
    clarity_str_t member, below;
    clarity_error_t what;
    clarity_list_t list = { 0 };

    piece->type = CLARITY_PIECE_STEP;
    piece->name = clarity_path_first(rest, &piece->below);

    if (piece->below.len == 0) {
        return refuse(
            piece, "expected steps.ID.body or steps.ID.status", error);
    }

    if (!among(piece->name, names->steps, names->nsteps)) {
        list_names(&list, names->steps, names->nsteps);
        clarity_error(&what, "no step %s before this one, %s%s",
            clarity_quote(piece->name).text,
            list.len > 0 ? "expected one of " : "which is the first",
            list.text);
        return refuse(piece, what.text, error);
    }

    member = clarity_path_first(piece->below, &below);

    if (clarity_str_is(member, "body")
        || (clarity_str_is(member, "status") && below.len == 0))
    {
        return true;
    }

    clarity_error(&what, "a step has no %s, expected \"body\" or \"status\"",
        clarity_quote(piece->below).text);

    return refuse(piece, what.text, error);
}


static bool
parse_job(clarity_piece_t *piece, clarity_str_t rest, clarity_error_t *error)
{
    size_t i;
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        { "id", offsetof(clarity_scope_t, job_id) },
        { "received", offsetof(clarity_scope_t, job_received) },
        { "trigger", offsetof(clarity_scope_t, job_trigger) },
        { "webhook", offsetof(clarity_scope_t, job_webhook) },
    };

    piece->type = CLARITY_PIECE_JOB;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (clarity_str_is(rest, fields[i].name)) {
            piece->offset = fields[i].offset;
            return true;
        }
    }

    return refuse(piece,
        "expected job.id, job.received, job.trigger or job.webhook", error);
}


static bool
parse_secret(clarity_piece_t *piece, clarity_str_t rest,
    const clarity_names_t *names, clarity_error_t *error)
{
    clarity_error_t what;
    clarity_list_t list = { 0 };

    piece->type = CLARITY_PIECE_SECRET;
    piece->name = rest;

    if (!names->secrets_allowed) {
        return refuse(piece,
            "a secret may stand in \"url\" and \"headers\" only", error);
    }

    if (among(rest, names->secrets, names->nsecrets)) {
        return true;
    }

    list_names(&list, names->secrets, names->nsecrets);
    clarity_error(&what, "unknown secret %s, \"secrets\" has %s",
        clarity_quote(rest).text, list.len > 0 ? list.text : "none");

    return refuse(piece, what.text, error);
}


static bool
parse_parameter(clarity_piece_t *piece, const clarity_names_t *names,
    clarity_error_t *error)
{
    clarity_error_t what;

    piece->type = CLARITY_PIECE_PARAMETER;

    if (clarity_path_parse(&piece->path, piece->text, names->trigger, &what)) {
        return true;
    }

    return refuse(piece, what.text, error);
}


static bool
refuse(const clarity_piece_t *piece, const char *what, clarity_error_t *error)
{
    return clarity_error(
        error, "placeholder %s: %s", clarity_quote(piece->text).text, what);
}


static bool
among(clarity_str_t name, const clarity_str_t *names, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (clarity_str_eq(name, names[i])) {
            return true;
        }
    }

    return false;
}


static void
list_names(clarity_list_t *list, const clarity_str_t *names, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        clarity_list_add(list, names[i]);
    }
}
