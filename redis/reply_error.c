#include "redis/reply_error.h"

#include <stdio.h>

/* Bytes of a command's name, its subcommand included; longer is none. */
#define COMMAND_MAX 32

static bool find(clarity_str_t text, const char *part, clarity_str_t *rest);
static bool is_command(clarity_str_t text);

static const clarity_redis_error_info_t redis_errors[] = {
    { CLARITY_REDIS_ERR_OOM, "OOM",
        "Redis is at its maxmemory: raise it, or let the workers catch up",
        false, CLARITY_REDIS_NO_ROOM },
    { CLARITY_REDIS_ERR_MISCONF, "MISCONF",
        "Redis cannot save to its disk and takes no writes: see its log",
        false, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_READONLY, "READONLY",
        "this Redis is a replica: the address must be that of the primary",
        true, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_LOADING, "LOADING",
        "Redis is still reading its data from disk: wait", true,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_MASTERDOWN, "MASTERDOWN",
        "this Redis is a replica without its primary", true,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_NOREPLICAS, "NOREPLICAS",
        "Redis has fewer replicas than its min-replicas-to-write", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_CLUSTERDOWN, "CLUSTERDOWN",
        "the cluster does not serve all its slots: see CLUSTER INFO", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_TRYAGAIN, "TRYAGAIN",
        "the cluster is moving this slot: try again", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_MOVED, "MOVED",
        "this Redis is a cluster node that does not hold the key's slot",
        false, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_ASK, "ASK",
        "this Redis is a cluster node that is giving the key's slot away",
        false, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_BUSY, "BUSY",
        "a script blocks Redis: SCRIPT KILL ends it", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_NOAUTH, "NOAUTH",
        "Redis wants a password and none was given", true,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_WRONGPASS, "WRONGPASS",
        "Redis does not take this user and password", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_NOPERM, "NOPERM",
        "the Redis user has no right to this command or key: see ACL LIST",
        false, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_NOSCRIPT, "NOSCRIPT",
        "Redis has lost its scripts: they are to be loaded again", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_NOGROUP, "NOGROUP",
        "the stream or its consumer group is gone from Redis", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_BUSYGROUP, "BUSYGROUP",
        "the consumer group is there already", false, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_UNBLOCKED, "UNBLOCKED",
        "a blocking command was ended: the key is gone, or Redis has become a"
        " replica",
        true, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_EXECABORT, "EXECABORT",
        "a transaction was dropped because a command in it was wrong", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_WRONGTYPE, "WRONGTYPE",
        "a key holds another type: something else uses this prefix", false,
        CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_DENIED, "DENIED",
        "Redis is in protected mode, and takes no connections from other hosts"
        " before it has a password",
        true, CLARITY_REDIS_NOT_DONE },
    { CLARITY_REDIS_ERR_HALFSTORED, "HALFSTORED",
        "a job is stored without its idempotency key: the Redis user has no"
        " right to SET",
        false, CLARITY_REDIS_HALF_DONE },
    { CLARITY_REDIS_ERR_FOREIGN, "FOREIGN",
        "what stands under an idempotency key is not Clarity's: something else"
        " writes below this prefix, to {PREFIX:N}:idem:*",
        false, CLARITY_REDIS_NOT_DONE },
};

#define ERRORS (sizeof(redis_errors) / sizeof(redis_errors[0]))

/* Those that begin with ERR, by more of their text. */
static const struct {
    const char *text;
    clarity_redis_error_info_t info;
} redis_texts[] = {
    /* Said instead of an answer to whatever comes first, before it closes. */
    { "ERR max number of clients ",
        { CLARITY_REDIS_ERR_MAXCLIENTS, "ERR",
            "Redis has its maxclients: raise it, or see in CLIENT LIST who"
            " they are",
            true, CLARITY_REDIS_NOT_DONE } },
    /* It closes then too. */
    { "ERR Protocol error: invalid bulk length",
        { CLARITY_REDIS_ERR_OTHER, "ERR",
            "a value is larger than its proto-max-bulk-len: raise that, or let"
            " requests be smaller",
            false, CLARITY_REDIS_NOT_DONE } },
    /* Of a script's; Redis 7.0 and before says it with ERR. */
    { "ERR The user executing the script can't run this command",
        { CLARITY_REDIS_ERR_NOPERM, "NOPERM",
            "the Redis user has no right to a command of a script: see ACL"
            " LIST",
            false, CLARITY_REDIS_NOT_DONE } },
    { "ERR unknown command ",
        { CLARITY_REDIS_ERR_OTHER, "ERR",
            "Redis does not know the command: it is renamed there, or this is"
            " no Redis of 6.2 or later",
            false, CLARITY_REDIS_NOT_DONE } },
};

#define TEXTS (sizeof(redis_texts) / sizeof(redis_texts[0]))

static const clarity_redis_error_info_t redis_error_other = {
    CLARITY_REDIS_ERR_OTHER, "ERR",
    "Redis refused the command, and redis-cli with the same user tells why",
    false, CLARITY_REDIS_NOT_DONE
};


const clarity_redis_error_info_t *
clarity_redis_error_info(clarity_str_t message)
{
    size_t i, len;
    const char *space;
    clarity_str_t word;

    word = message;

    if (word.len != 0) {
        space = memchr(word.data, ' ', word.len);
        if (space != NULL) {
            word.len = (size_t) (space - word.data);
        }
    }

    for (i = 0; i < ERRORS; i++) {
        if (clarity_str_is(word, redis_errors[i].prefix)) {
            return &redis_errors[i];
        }
    }

    for (i = 0; i < TEXTS; i++) {
        len = strlen(redis_texts[i].text);

        if (message.len >= len
            && memcmp(message.data, redis_texts[i].text, len) == 0) {
            return &redis_texts[i].info;
        }
    }

    return &redis_error_other;
}


void
clarity_redis_error_where(
    clarity_str_t message, char where[CLARITY_REDIS_WHERE_MAX])
{
    size_t n;
    clarity_str_t rest;

    where[0] = '\0';

    if (find(message, " [", &rest)) {
        /* Of ours: it ends there. */
        n = rest.len == 0 ? 0 : rest.len - 1;

        if (n != 0 && rest.data[n] == ']'
            && is_command((clarity_str_t){ rest.data, n }))
        {
            snprintf(where, CLARITY_REDIS_WHERE_MAX, "%.*s of a script",
                (int) n, rest.data);
        }

    } else if (find(message, " run the '", &rest)) {
        for (n = 0; n < rest.len && rest.data[n] != '\''; n++) {
            /* void */
        }

        if (n < rest.len && is_command((clarity_str_t){ rest.data, n })) {
            snprintf(
                where, CLARITY_REDIS_WHERE_MAX, "%.*s", (int) n, rest.data);
        }

    } else if (find(message, "on @user_script:", &rest)) {
        for (n = 0; n < rest.len && n < 6 && rest.data[n] >= '0'
                    && rest.data[n] <= '9';
             n++)
        {
            /* void */
        }

        if (n != 0) {
            snprintf(where, CLARITY_REDIS_WHERE_MAX, "line %.*s of a script",
                (int) n, rest.data);
        }
    }
}


/* *rest: what comes after the first `part`. */
static bool
find(clarity_str_t text, const char *part, clarity_str_t *rest)
{
    size_t i, len;

    len = strlen(part);

    for (i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, part, len) == 0) {
            rest->data = text.data + i + len;
            rest->len = text.len - i - len;
            return true;
        }
    }

    return false;
}


static bool
is_command(clarity_str_t text)
{
    size_t i;
    char c;

    for (i = 0; i < text.len; i++) {
        c = (char) (text.data[i] | 0x20);

        if ((c < 'a' || c > 'z') && c != '|') {
            return false;
        }
    }

    return text.len != 0 && text.len <= COMMAND_MAX;
}
