#include "worker/delivery.h"

#include <stdlib.h>

#define MAX_FIELDS 64 /* fields and values of an entry that are looked at */

static bool read_job(clarity_delivery_t *delivery, const redisReply *reply);
static bool copy_job(clarity_delivery_t *delivery);
static void copy_text(char **p, clarity_str_t *text);


bool
clarity_delivery_read(clarity_delivery_t *delivery, const redisReply *reply,
    clarity_str_t prefix, unsigned shard)
{
    clarity_str_t entry;
    clarity_job_id_t id;

    memset(delivery, 0, sizeof(*delivery));

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return false;
    }

    entry = clarity_reply_text(reply->element[0]);

    if (entry.len >= sizeof(delivery->entry)
        || !clarity_job_id_from_entry(entry, shard, &id))
    {
        return false;
    }

    memcpy(delivery->entry, entry.data, entry.len);

    if (!read_job(delivery, reply->element[1])) {
        return false;
    }

    /* A job that came back to the stream keeps the id of its first entry. */

    if (delivery->job.job.len > 0
        && !clarity_job_id_parse(delivery->job.job, &id)) {
        delivery->fault = "has a field \"job\" that is no job id";
    }

    clarity_job_id_format(&id, delivery->id);
    clarity_key_job(&delivery->key, prefix, &id);

    return true;
}


void
clarity_delivery_free(clarity_delivery_t *delivery)
{
    free(delivery->text);
    memset(delivery, 0, sizeof(*delivery));
}


clarity_str_t
clarity_reply_text(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return clarity_lit("");
    }

    return (clarity_str_t){ reply->str, reply->len };
}


static bool
read_job(clarity_delivery_t *delivery, const redisReply *reply)
{
    size_t i, n;
    clarity_str_t fields[MAX_FIELDS];

    n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
    n = n < MAX_FIELDS ? n : MAX_FIELDS;

    for (i = 0; i < n; i++) {
        fields[i] = clarity_reply_text(reply->element[i]);
    }

    delivery->fault = clarity_job_from_fields(fields, n, &delivery->job);

    if (delivery->fault != NULL) {
        memset(&delivery->job, 0, sizeof(delivery->job));
    }

    return copy_job(delivery);
}


static bool
copy_job(clarity_delivery_t *delivery)
{
    char *p;
    size_t i, size;
    clarity_job_t *job = &delivery->job;
    clarity_str_t *const texts[] = { &job->trigger, &job->webhook,
        &job->context, &job->received, &job->request, &job->traceparent,
        &job->addr, &job->job };

    size = 0;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size += texts[i]->len + 1;
    }

    p = malloc(size);
    if (p == NULL) {
        return false;
    }

    delivery->text = p;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        copy_text(&p, texts[i]);
    }

    return true;
}


static void
copy_text(char **p, clarity_str_t *text)
{
    char *copy;

    copy = *p;

    if (text->len > 0) {
        memcpy(copy, text->data, text->len);
    }

    copy[text->len] = '\0';
    text->data = copy;
    *p = copy + text->len + 1;
}
