#include "worker/action_http.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "worker/action_http_part.h"
#include "worker/retry.h"
#include "worker/verdict.h"

#define NOWHERE "?" /* the host of a url that is none */

static bool set_up(clarity_http_t *http);
static bool join(clarity_transfer_t *transfer);
static char *make_name(CURLU *url);
static void begin_transfer(clarity_turn_t *turn);
static void cancel_transfer(clarity_work_t *work);
static void free_transfer(clarity_transfer_t *transfer);
static int on_socket(
    CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data);
static int on_timer(CURLM *multi, long ms, void *data);
static void on_ready(evutil_socket_t fd, short events, void *data);
static void on_timeout(evutil_socket_t fd, short events, void *data);
static void end_transfers(clarity_http_t *http);
static void end_transfer(clarity_transfer_t *transfer, CURLcode code);
static uint64_t get_retry_after(CURL *easy);


clarity_http_t *
clarity_http_create(const clarity_http_conf_t *conf)
{
    clarity_http_t *http;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NULL;
    }

    http = calloc(1, sizeof(clarity_http_t));

    if (http == NULL) {
        curl_global_cleanup();
        return NULL;
    }

    http->conf = *conf;
    http->multi = curl_multi_init();
    http->timer = evtimer_new(conf->base, on_timeout, http);
    TAILQ_INIT(&http->broken);

    if (http->multi == NULL || http->timer == NULL || !set_up(http)) {
        clarity_http_free(http);
        return NULL;
    }

    return http;
}


/* Connections are kept for later calls, as many as there may be at once. */
static bool
set_up(clarity_http_t *http)
{
    CURLM *multi;
    long most;

    multi = http->multi;
    most = (long) http->conf.most;

    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == 0
           && curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == 0
           && curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == 0
           && curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == 0
           && curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most) == 0
           && curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX)
                  == 0;
}


void
clarity_http_free(clarity_http_t *http)
{
    if (http == NULL) {
        return;
    }

    /* It closes what is kept. */
    curl_multi_cleanup(http->multi);
    clarity_http_sockets_free(&http->sockets);

    if (http->timer != NULL) {
        event_free(http->timer);
    }

    free(http);
    curl_global_cleanup();
}


clarity_work_t *
clarity_http_start(clarity_http_t *http, const clarity_transfer_conf_t *conf)
{
    clarity_transfer_t *transfer;

    transfer = calloc(1, sizeof(clarity_transfer_t));

    if (transfer == NULL) {
        return NULL;
    }

    transfer->work.turn.begin = begin_transfer;
    transfer->work.cancel = cancel_transfer;
    transfer->http = http;
    transfer->timeout = conf->timeout;
    transfer->done = conf->done;
    transfer->data = conf->data;

    transfer->call = *conf->call;
    memset(conf->call, 0, sizeof(*conf->call));

    transfer->easy = curl_easy_init();

    if (transfer->easy == NULL || !clarity_transfer_prepare(transfer, conf)
        || !join(transfer))
    {
        free_transfer(transfer);
        return NULL;
    }

    clarity_hosts_go(http->conf.hosts);

    return &transfer->work;
}


/* "https://example.com:443": calls to one of these share their line. */
static bool
join(clarity_transfer_t *transfer)
{
    bool joined;
    char *name;
    CURLU *url;

    name = NULL;
    url = curl_url();

    if (url == NULL) {
        return false;
    }

    if (curl_url_set(url, CURLUPART_URL, transfer->call.url.data, 0) == 0) {
        name = make_name(url);
    }

    joined = clarity_hosts_join(transfer->http->conf.hosts,
        name != NULL ? name : NOWHERE, &transfer->work.turn);

    curl_free(name);
    curl_url_cleanup(url);

    return joined;
}


static char *
make_name(CURLU *url)
{
    size_t i;
    char *name;
    static const CURLUPart others[] = { CURLUPART_USER, CURLUPART_PASSWORD,
        CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_FRAGMENT };

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        curl_url_set(url, others[i], NULL, 0);
    }

    return curl_url_get(url, CURLUPART_URL, &name, CURLU_DEFAULT_PORT) == 0
               ? name
               : NULL;
}


static void
cancel_transfer(clarity_work_t *work)
{
    clarity_hosts_t *hosts;
    clarity_transfer_t *transfer;

    transfer = (clarity_transfer_t *) work;
    hosts = transfer->http->conf.hosts;

    if (transfer->is_broken) {
        TAILQ_REMOVE(&transfer->http->broken, transfer, broken);

    } else if (work->turn.active) {
        curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    }

    free_transfer(transfer);
    clarity_hosts_go(hosts);
}


/* A call's time-out runs from here on. */
static void
begin_transfer(clarity_turn_t *turn)
{
    clarity_http_t *http;
    clarity_transfer_t *transfer;

    transfer = (clarity_transfer_t *) turn;
    http = transfer->http;

    if (curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        transfer->is_broken = true;
        TAILQ_INSERT_TAIL(&http->broken, transfer, broken);
        event_active(http->timer, EV_TIMEOUT, 0);
    }
}


static void
free_transfer(clarity_transfer_t *transfer)
{
    struct curl_slist *header;

    clarity_hosts_leave(transfer->http->conf.hosts, &transfer->work.turn);

    /* One of them may be a secret. */
    for (header = transfer->headers; header != NULL; header = header->next) {
        explicit_bzero(header->data, strlen(header->data));
    }

    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    clarity_http_call_free(&transfer->call);
    clarity_buf_free(&transfer->body);
    free(transfer);
}


static int
on_socket(
    CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    short events;
    clarity_http_t *http = data;
    struct event *event = socket_data;

    (void) easy;

    if (event != NULL) {
        event_free(event);
        curl_multi_assign(http->multi, fd, NULL);
    }

    if (what == CURL_POLL_REMOVE) {
        return 0;
    }

    events = (short) (EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0)
                      | (what & CURL_POLL_OUT ? EV_WRITE : 0));

    event = event_new(http->conf.base, fd, events, on_ready, http);

    if (event == NULL) {
        return -1;
    }

    if (event_add(event, NULL) != 0) {
        event_free(event);
        return -1;
    }

    curl_multi_assign(http->multi, fd, event);

    return 0;
}


static int
on_timer(CURLM *multi, long ms, void *data)
{
    struct timeval tv;
    clarity_http_t *http = data;

    (void) multi;

    if (ms < 0) {
        evtimer_del(http->timer);
        return 0;
    }

    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;

    return evtimer_add(http->timer, &tv);
}


static void
on_ready(evutil_socket_t fd, short events, void *data)
{
    int running;
    clarity_http_t *http = data;

    curl_multi_socket_action(http->multi, fd,
        (events & EV_READ ? CURL_CSELECT_IN : 0)
            | (events & EV_WRITE ? CURL_CSELECT_OUT : 0),
        &running);

    end_transfers(http);
}


static void
on_timeout(evutil_socket_t fd, short events, void *data)
{
    int running;
    clarity_http_t *http = data;

    (void) fd;
    (void) events;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);

    end_transfers(http);
}


static void
end_transfers(clarity_http_t *http)
{
    int left;
    CURLMsg *message;
    CURLcode code;
    clarity_transfer_t *transfer;

    while ((transfer = TAILQ_FIRST(&http->broken)) != NULL) {
        TAILQ_REMOVE(&http->broken, transfer, broken);
        end_transfer(transfer, CURLE_OUT_OF_MEMORY);
    }

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }

        code = message->data.result;

        curl_easy_getinfo(
            message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);

        end_transfer(transfer, code);
    }

    clarity_hosts_go(http->conf.hosts);
}


static void
end_transfer(clarity_transfer_t *transfer, CURLcode code)
{
    long status, error;
    clarity_attempt_t attempt = { 0 };
    clarity_failure_t failure = { 0 };

    status = error = 0;

    if (code == CURLE_OK) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        attempt.body = clarity_buf_str(&transfer->body);
        clarity_verdict_of_answer((unsigned) status, &attempt);

        if (status == 429 || status == 503) {
            attempt.retry_after = get_retry_after(transfer->easy);
        }

    } else {
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);

        failure.code = code;
        failure.error = (int) error;
        failure.url = transfer->call.url.data;
        failure.secret_host = transfer->call.secret_host;
        failure.timeout = transfer->timeout;
        failure.too_large = transfer->too_large;
        failure.tried = transfer->tried;
        failure.address = transfer->address;
        failure.refused = transfer->refused;
        failure.tls_error = transfer->tls_error;

        clarity_verdict_of_failure(&failure, &attempt);
    }

    if (!transfer->is_broken) {
        curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    }

    transfer->done(transfer->data, &attempt);

    free_transfer(transfer);
}


static uint64_t
get_retry_after(CURL *easy)
{
    struct curl_header *header;
    char date[64];

    /* The next header that is asked for is written over the last one. */
    date[0] = '\0';

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) == 0) {
        snprintf(date, sizeof(date), "%s", header->value);
    }

    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header)
        != 0) {
        return 0;
    }

    return clarity_retry_after(
        header->value, date[0] != '\0' ? date : NULL, time(NULL));
}
