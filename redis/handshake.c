#include "redis/handshake.h"

#include <stdio.h>

#include "redis/reply_error.h"

static bool give_auth(clarity_redis_session_t *session);
static bool give_select(clarity_redis_session_t *session);
static bool give_name(clarity_redis_session_t *session);
static bool give_role(clarity_redis_session_t *session);
static void on_auth(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_select(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_name(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_role(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static bool is_role(const redisReply *reply, const char *role);
static void finish(clarity_redis_session_t *session);
static const clarity_redis_error_info_t *error_of(
    clarity_redis_result_t result, const redisReply *reply);
static void refuse(clarity_redis_session_t *session, const char *command,
    const clarity_redis_error_info_t *info, const redisReply *reply);


bool
clarity_redis_handshake(clarity_redis_session_t *session)
{
    return give_auth(session) && give_select(session) && give_name(session)
           && give_role(session);
}


static bool
give_auth(clarity_redis_session_t *session)
{
    size_t argc;
    clarity_str_t argv[3];
    const clarity_redis_conf_t *conf;

    conf = clarity_redis_conf(session);

    if (conf->password[0] == '\0') {
        return true;
    }

    argc = 0;
    argv[argc++] = clarity_lit("AUTH");

    if (conf->user[0] != '\0') {
        argv[argc++] = clarity_str(conf->user);
    }

    argv[argc++] = clarity_str(conf->password);

    return clarity_redis_setup(session, argc, argv, on_auth, session)
           == CLARITY_REDIS_GIVEN;
}


static bool
give_select(clarity_redis_session_t *session)
{
    char number[12];
    clarity_str_t argv[2];
    const clarity_redis_conf_t *conf;

    conf = clarity_redis_conf(session);

    if (conf->db == 0) {
        return true;
    }

    snprintf(number, sizeof(number), "%u", conf->db);
    argv[0] = clarity_lit("SELECT");
    argv[1] = clarity_str(number);

    return clarity_redis_setup(session, 2, argv, on_select, session)
           == CLARITY_REDIS_GIVEN;
}


static bool
give_name(clarity_redis_session_t *session)
{
    clarity_str_t argv[3];

    argv[0] = clarity_lit("CLIENT");
    argv[1] = clarity_lit("SETNAME");
    argv[2] = clarity_str(clarity_redis_conf(session)->name);

    return clarity_redis_setup(session, 3, argv, on_name, session)
           == CLARITY_REDIS_GIVEN;
}


static bool
give_role(clarity_redis_session_t *session)
{
    clarity_str_t argv[1];

    if (!clarity_redis_conf(session)->primary) {
        return true;
    }

    argv[0] = clarity_lit("ROLE");

    return clarity_redis_setup(session, 1, argv, on_role, session)
           == CLARITY_REDIS_GIVEN;
}


/* Its reply is never quoted: who knows what it repeats. */
static void
on_auth(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    char reason[128];
    const clarity_redis_error_info_t *info;

    info = error_of(result, reply);

    if (info != NULL && info->reconnect) {
        refuse(data, "AUTH", info, reply);

    } else if (info != NULL) {
        snprintf(reason, sizeof(reason),
            "AUTH was refused (%s): check user and password, and whether this"
            " Redis asks for them",
            info->prefix);

        clarity_redis_refuse(data, reason);
    }
}


static void
on_select(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    const clarity_redis_error_info_t *info;

    info = error_of(result, reply);

    if (info != NULL) {
        refuse(data, "SELECT", info, reply);
    }
}


/* An ACL may bar it, and connections do without their name. */
static void
on_name(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_redis_session_t *session = data;
    const clarity_redis_error_info_t *info;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    info = error_of(result, reply);

    if (info != NULL && info->reconnect) {
        refuse(session, "CLIENT SETNAME", info, reply);

    } else if (!clarity_redis_conf(session)->primary) {
        finish(session);
    }
}


/* An ACL may bar it too: then the first write tells a replica. */
static void
on_role(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_redis_session_t *session = data;
    const clarity_redis_error_info_t *info;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    info = error_of(result, reply);

    if (info != NULL && info->reconnect) {
        refuse(session, "ROLE", info, reply);

    } else if (clarity_redis_role_refused(reply) != NULL) {
        clarity_redis_refuse(session, clarity_redis_role_refused(reply));

    } else {
        finish(session);
    }
}


const char *
clarity_redis_role_refused(const redisReply *reply)
{
    if (is_role(reply, "slave")) {
        return "this Redis is a replica: the address must be that of the"
               " primary";
    }

    if (is_role(reply, "sentinel")) {
        return "this Redis is a sentinel: the address must be that of the"
               " primary";
    }

    return NULL;
}


static bool
is_role(const redisReply *reply, const char *role)
{
    const redisReply *name;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return false;
    }

    name = reply->element[0];

    return name->type == REDIS_REPLY_STRING
           && clarity_str_is((clarity_str_t){ name->str, name->len }, role);
}


static void
finish(clarity_redis_session_t *session)
{
    const clarity_redis_conf_t *conf;

    conf = clarity_redis_conf(session);

    if (conf->setup != NULL) {
        conf->setup(conf->owner, session);
    } else {
        clarity_redis_ready(session);
    }
}


/* NULL: the reply is no error, or none came. */
static const clarity_redis_error_info_t *
error_of(clarity_redis_result_t result, const redisReply *reply)
{
    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_ERROR) {
        return NULL;
    }

    return clarity_redis_error_info((clarity_str_t){ reply->str, reply->len });
}


static void
refuse(clarity_redis_session_t *session, const char *command,
    const clarity_redis_error_info_t *info, const redisReply *reply)
{
    size_t i;
    char reason[256];

    if (info->code != CLARITY_REDIS_ERR_OTHER) {
        snprintf(reason, sizeof(reason), "%s was refused (%s): %s", command,
            info->prefix, info->meaning);

    } else {
        snprintf(
            reason, sizeof(reason), "%s was refused: %s", command, reply->str);
    }

    /* It goes to a log. */
    for (i = 0; reason[i] != '\0'; i++) {
        if (reason[i] < ' ' || reason[i] > '~') {
            reason[i] = '?';
        }
    }

    clarity_redis_refuse(session, reason);
}
