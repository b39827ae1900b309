#include "worker/publish.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "job/key.h"
#include "job/report_script.h"
#include "worker/text.h"
#include "worker/timer.h"

#define EVERY       10000 /* ms; readers pass over what is older than 30 s */
#define TEXTS_EVERY 60    /* writes */

struct clarity_publisher_s {
    clarity_calls_t *calls;
    clarity_key_t key;
    const clarity_conf_t *conf;
    unsigned writes; /* since that of the texts */
    clarity_str_t consumer;
    clarity_workflows_t *set; /* NULL: none yet, or withdrawn */
    struct event *timer;
};

static void write_text(
    clarity_publisher_t *publisher, const clarity_workflow_t *workflow);
static void call(clarity_publisher_t *publisher,
    const clarity_script_t *script, const clarity_str_t *argv, size_t argc);
static void write_workflows(
    clarity_buf_t *buf, const clarity_workflows_t *set, uint64_t now);
static void on_timer(evutil_socket_t fd, short events, void *data);

clarity_publisher_t *
clarity_publisher_create(struct event_base *base, clarity_calls_t *calls,
    const clarity_conf_t *conf, clarity_str_t consumer)
{
    clarity_publisher_t *publisher;

    publisher = calloc(1, sizeof(clarity_publisher_t));
    if (publisher == NULL) {
        return NULL;
    }

    publisher->calls = calls;
    publisher->consumer = consumer;
    publisher->conf = conf;
    clarity_key_workflows(&publisher->key, clarity_str(conf->prefix));

    publisher->timer = evtimer_new(base, on_timer, publisher);

    if (publisher->timer == NULL) {
        free(publisher);
        return NULL;
    }

    return publisher;
}


void
clarity_publisher_free(clarity_publisher_t *publisher)
{
    if (publisher == NULL) {
        return;
    }

    event_free(publisher->timer);
    clarity_workflows_drop(publisher->set);
    free(publisher);
}


void
clarity_publisher_use(clarity_publisher_t *publisher, clarity_workflows_t *set)
{
    clarity_workflows_drop(publisher->set);
    publisher->set = clarity_workflows_use(set);

    clarity_publisher_write(publisher);
    clarity_publisher_write_texts(publisher);
}


void
clarity_publisher_write(clarity_publisher_t *publisher)
{
    char before[24];
    uint64_t now;
    clarity_buf_t value = { 0 };
    clarity_str_t argv[4];

    if (publisher->set == NULL) {
        return;
    }

    clarity_timer_arm(publisher->timer, EVERY);

    now = clarity_time_ms();
    snprintf(
        before, sizeof(before), "%" PRIu64, now - CLARITY_REPORT_FORGOTTEN);
    write_workflows(&value, publisher->set, now);

    if (!value.failed) {
        argv[0] = clarity_key_str(&publisher->key);
        argv[1] = publisher->consumer;
        argv[2] = clarity_buf_str(&value);
        argv[3] = clarity_str(before);

        call(publisher, &clarity_script_report, argv, 4);
    }

    clarity_buf_free(&value);
}


void
clarity_publisher_write_texts(clarity_publisher_t *publisher)
{
    size_t i;

    publisher->writes = 0;

    if (publisher->conf->keys == NULL || publisher->set == NULL) {
        return;
    }

    for (i = 0; i < publisher->set->count; i++) {
        write_text(publisher, publisher->set->workflows[i]);
    }
}


void
clarity_publisher_withdraw(clarity_publisher_t *publisher)
{
    clarity_str_t argv[3];

    event_del(publisher->timer);

    clarity_workflows_drop(publisher->set);
    publisher->set = NULL;

    argv[0] = clarity_lit("HDEL");
    argv[1] = clarity_key_str(&publisher->key);
    argv[2] = publisher->consumer;

    call(publisher, NULL, argv, 3);
}


static void
write_text(clarity_publisher_t *publisher, const clarity_workflow_t *workflow)
{
    clarity_buf_t value = { 0 };
    clarity_key_t key;
    clarity_str_t argv[3];

    clarity_key_workflow(&key, clarity_str(publisher->conf->prefix), 0,
        clarity_str(workflow->digest));

    if (clarity_text_seal(publisher->conf->keys, clarity_str(workflow->digest),
            clarity_buf_str(&workflow->text), &value))
    {
        argv[0] = clarity_key_str(&key);
        argv[1] = clarity_lit(CLARITY_TEXT_KEPT);
        argv[2] = clarity_buf_str(&value);

        call(publisher, &clarity_script_keep_text, argv, 3);
    }

    clarity_buf_free(&value);
}


/* Nobody asks whether it was done. */
static void
call(clarity_publisher_t *publisher, const clarity_script_t *script,
    const clarity_str_t *argv, size_t argc)
{
    clarity_call_conf_t conf = { 0 };

    conf.script = script;
    conf.argv = argv;
    conf.argc = argc;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = publisher;

    (void) clarity_call(publisher->calls, &conf);
}


static void
write_workflows(
    clarity_buf_t *buf, const clarity_workflows_t *set, uint64_t now)
{
    size_t i;
    const clarity_workflow_t *workflow;

    clarity_buf_addf(buf, "{\"at\":%" PRIu64 ",\"workflows\":[", now);

    for (i = 0; i < set->count; i++) {
        workflow = set->workflows[i];

        clarity_buf_addz(buf, i == 0 ? "{\"id\":" : ",{\"id\":");
        clarity_buf_add_json(buf, workflow->id);
        clarity_buf_addz(buf, ",\"name\":");
        clarity_buf_add_json(buf, workflow->name);
        clarity_buf_addz(buf, ",\"trigger\":");
        clarity_buf_add_json(buf, workflow->trigger);
        clarity_buf_addf(
            buf, ",\"active\":%s}", workflow->active ? "true" : "false");
    }

    clarity_buf_addz(buf, "]}");
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_publisher_t *publisher = data;

    (void) fd;
    (void) events;

    clarity_publisher_write(publisher);

    if (++publisher->writes >= TEXTS_EVERY) {
        clarity_publisher_write_texts(publisher);
    }
}
