#include "cli/ask.h"

#include <stdio.h>

#include "job/meta.h"

#define DIGITS 12

static clarity_str_t value_or(
    const redisReply *value, unsigned own, char number[DIGITS]);


/*
 * A value that is not there is one that nobody has written yet: this does not
 * write it either. Where Redis refuses to tell, it is for the command to say
 * what Redis refuses.
 */
bool
clarity_asker_agrees(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_error_t *error)
{
    bool good;
    char number[DIGITS], format[DIGITS], shards[DIGITS];
    size_t argc;
    redisReply *reply;
    clarity_key_t key;
    clarity_str_t argv[CLARITY_META_MAX_ARGS];

    clarity_key_meta(&key, clarity_str(target->prefix));
    argc = clarity_meta_command(CLARITY_META_COMMANDS - 1,
        clarity_key_str(&key), target->shards, number, argv);

    reply = clarity_ask_any(asker, argc, argv, error);
    if (reply == NULL) {
        return false;
    }

    good = reply->type == REDIS_REPLY_ERROR
           || clarity_meta_agrees(
               value_or(clarity_reply_at(reply, 0), CLARITY_FORMAT, format),
               value_or(clarity_reply_at(reply, 1), target->shards, shards),
               target->shards, error);

    freeReplyObject(reply);

    return good;
}


static clarity_str_t
value_or(const redisReply *value, unsigned own, char number[DIGITS])
{
    if (value != NULL && value->type == REDIS_REPLY_STRING) {
        return clarity_reply_str(value);
    }

    snprintf(number, DIGITS, "%u", own);

    return clarity_str(number);
}
