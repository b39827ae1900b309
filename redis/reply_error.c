#include "redis/reply_error.h"

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
