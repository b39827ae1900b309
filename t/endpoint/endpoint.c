/*
 * An HTTP/1.1 server for workflows to call, by thousands: for the tests, see
 * Clarity::Endpoint. It shares no code with what it tests.
 *
 *   endpoint [-s SEED] -o FILE PORT
 *
 * FILE gets a line a request, as soon as that is whole and before it is
 * answered:
 *
 *   call NUMBER TIME KEY WORKER METHOD URI HOW
 *
 * its number, from 1; when it came (us since 1970); its Idempotency-Key and
 * its X-Worker, "-" where there is none; and how it is answered:
 *
 *   ok     200 at once
 *   slow   200 after SLOW ms
 *   503    503 at once
 *   hang   never; the connection stays open
 *   close  never; the connection is closed
 *
 * The body of a 200 is {"n":NUMBER}. The beginning of the path says how:
 *
 *   /ok      ok
 *   /slow    slow
 *   /never   503
 *   /close   close
 *   /flaky   any of them, drawn from SEED, the key and how many calls there
 *            were with it before; after STEADY of them ok
 *
 * and a line where this process itself got no time, which a test wants to
 * know as the others had none then either:
 *
 *   late TIME MS   TIME is when it had been due
 */

#define _GNU_SOURCE /* tdestroy() */

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG   1024
#define HEAD_MAX  16384 /* bytes of a request's head */
#define NAME_MAX_ 200   /* of a key, a worker and a URI, in the log */
#define METHOD    8
#define LINE      1024
#define ANSWER    160
#define SLOW      100 /* ms */
#define STEADY    6
#define TICK      50  /* ms */
#define LATE      250 /* ms beyond it that are told */
#define US_PER_MS 1000
#define MS_PER_S  1000
#define US_PER_S  1000000
#define NS_PER_US 1000
#define BASE      10

#define FNV_START 14695981039346656037U /* FNV-1a, 64 bits */
#define FNV_PRIME 1099511628211U
#define BYTE      8
#define BYTE_MASK 0xff
#define WORD      8

typedef enum { OK, SLOWLY, REFUSE, HANG, CLOSE } how_t;

typedef struct {
    char method[METHOD];
    char uri[NAME_MAX_];
    char key[NAME_MAX_];
    char worker[NAME_MAX_];
    size_t body; /* its bytes */
} request_t;

typedef struct {
    char key[NAME_MAX_];
    unsigned calls;
} count_t;

typedef struct {
    struct event_base *base;
    struct event *tick;
    int64_t due; /* us, of the next tick */
    int log;
    uint64_t seed;
    uint64_t number; /* of the last request */
    void *counts;    /* tsearch()'s, of count_t */
} server_t;

typedef struct {
    server_t *server;
    struct bufferevent *stream;
    struct event *timer; /* of a slow answer */
    uint64_t number;     /* of the request that it is for */
    bool busy;           /* nothing more is read until it is answered */
} conn_t;

static void options(server_t *server, int argc, char **argv, int *port);
static void on_stop(evutil_socket_t fd, short events, void *data);
static void on_tick(evutil_socket_t fd, short events, void *data);
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *data);
static void on_input(struct bufferevent *stream, void *data);
static void on_end(struct bufferevent *stream, short events, void *data);
static bool take_request(struct evbuffer *input, request_t *request);
static void read_head(request_t *request, char *head);
static void copy(char *to, const char *from);
static how_t decide(server_t *server, const request_t *request);
static how_t draw(server_t *server, const char *key);
static unsigned count_call(server_t *server, const char *key);
static int by_key(const void *a, const void *b);
static void answer(conn_t *conn, how_t how);
static void on_slow(evutil_socket_t fd, short events, void *data);
static void send_answer(conn_t *conn, const char *status);
static void note(server_t *server, const char *line, int length);
static void drop(conn_t *conn);
static int64_t now_us(void);
static void arm(struct event *timer, unsigned ms);
static void fail(const char *what);


int
main(int argc, char **argv)
{
    int port;
    server_t server = { 0 };
    struct event *stop;
    struct sockaddr_in address = { 0 };
    struct evconnlistener *listener;

    options(&server, argc, argv, &port);

    signal(SIGPIPE, SIG_IGN);

    server.base = event_base_new();
    if (server.base == NULL) {
        fail("an event base");
    }

    stop = evsignal_new(server.base, SIGTERM, on_stop, &server);
    server.tick = evtimer_new(server.base, on_tick, &server);

    if (stop == NULL || event_add(stop, NULL) != 0 || server.tick == NULL) {
        fail("an event");
    }

    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t) port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    listener = evconnlistener_new_bind(server.base, on_accept, &server,
        LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, BACKLOG,
        (struct sockaddr *) &address, sizeof(address));

    if (listener == NULL) {
        fail("the port");
    }

    server.due = now_us() + TICK * US_PER_MS;
    arm(server.tick, TICK);

    event_base_dispatch(server.base);

    evconnlistener_free(listener);
    event_free(server.tick);
    event_free(stop);
    tdestroy(server.counts, free);
    event_base_free(server.base);
    close(server.log);

    return 0;
}


static void
options(server_t *server, int argc, char **argv, int *port)
{
    int option;
    const char *file;

    file = NULL;

    while ((option = getopt(argc, argv, "s:o:")) != -1) {
        switch (option) {

        case 's': server->seed = strtoull(optarg, NULL, BASE); break;

        case 'o': file = optarg; break;

        default: exit(2);
        }
    }

    if (file == NULL || optind + 1 != argc) {
        fprintf(stderr, "usage: endpoint [-s SEED] -o FILE PORT\n");
        exit(2);
    }

    *port = atoi(argv[optind]);

    server->log = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (server->log == -1) {
        fail(file);
    }
}


static void
on_stop(evutil_socket_t fd, short events, void *data)
{
    server_t *server = data;

    (void) fd;
    (void) events;

    event_base_loopbreak(server->base);
}


static void
on_tick(evutil_socket_t fd, short events, void *data)
{
    int length;
    char line[LINE];
    int64_t late;
    server_t *server = data;

    (void) fd;
    (void) events;

    late = (now_us() - server->due) / US_PER_MS;

    if (late > LATE) {
        length = snprintf(line, sizeof(line), "late %" PRId64 " %" PRId64 "\n",
            server->due, late);
        note(server, line, length);
    }

    server->due = now_us() + TICK * US_PER_MS;
    arm(server->tick, TICK);
}


static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *data)
{
    int on;
    conn_t *conn;
    server_t *server = data;

    (void) listener;
    (void) address;
    (void) length;

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    conn = calloc(1, sizeof(conn_t));
    if (conn == NULL) {
        fail("memory");
    }

    conn->server = server;
    conn->stream =
        bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    conn->timer = evtimer_new(server->base, on_slow, conn);

    if (conn->stream == NULL || conn->timer == NULL) {
        fail("memory");
    }

    bufferevent_setcb(conn->stream, on_input, NULL, on_end, conn);
    bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
}


static void
on_input(struct bufferevent *stream, void *data)
{
    int length;
    char line[LINE];
    how_t how;
    conn_t *conn = data;
    server_t *server = conn->server;
    request_t request = { 0 };
    static const char *const names[] = {
        [OK] = "ok",
        [SLOWLY] = "slow",
        [REFUSE] = "503",
        [HANG] = "hang",
        [CLOSE] = "close",
    };

    if (conn->busy || !take_request(bufferevent_get_input(stream), &request)) {
        return;
    }

    how = decide(server, &request);

    conn->busy = true;
    conn->number = ++server->number;

    length = snprintf(line, sizeof(line),
        "call %" PRIu64 " %" PRId64 " %s %s %s %s %s\n", conn->number,
        now_us(), request.key, request.worker, request.method, request.uri,
        names[how]);
    note(server, line, length);

    answer(conn, how);
}


static void
on_end(struct bufferevent *stream, short events, void *data)
{
    (void) stream;
    (void) events;

    drop(data);
}


/* false: it is not whole yet. */
static bool
take_request(struct evbuffer *input, request_t *request)
{
    size_t length;
    char head[HEAD_MAX];
    struct evbuffer_ptr end;

    end = evbuffer_search(input, "\r\n\r\n", 4, NULL);

    if (end.pos == -1) {
        return false;
    }

    length = (size_t) end.pos + 4;
    if (length >= sizeof(head)) {
        fail("a head that is too long");
    }

    evbuffer_copyout(input, head, length);
    head[length] = '\0';

    read_head(request, head);

    if (evbuffer_get_length(input) < length + request->body) {
        return false;
    }

    evbuffer_drain(input, length + request->body);

    return true;
}


static void
read_head(request_t *request, char *head)
{
    char *line, *rest, *value, *uri, *end;

    memcpy(request->key, "-", sizeof("-"));
    memcpy(request->worker, "-", sizeof("-"));

    line = strtok_r(head, "\r\n", &rest);
    uri = line != NULL ? strchr(line, ' ') : NULL;
    end = uri != NULL ? strchr(uri + 1, ' ') : NULL;

    if (end == NULL) {
        fail("what is no request");
    }

    *uri = *end = '\0';
    snprintf(request->method, sizeof(request->method), "%s", line);
    copy(request->uri, uri + 1);

    while ((line = strtok_r(NULL, "\r\n", &rest)) != NULL) {
        value = strchr(line, ':');
        if (value == NULL) {
            continue;
        }

        *value++ = '\0';
        value += strspn(value, " ");

        if (strcasecmp(line, "Idempotency-Key") == 0) {
            copy(request->key, value);

        } else if (strcasecmp(line, "X-Worker") == 0) {
            copy(request->worker, value);

        } else if (strcasecmp(line, "Content-Length") == 0) {
            request->body = strtoul(value, NULL, BASE);
        }
    }
}


/* A word of the log; a space in it would be two. */
static void
copy(char *to, const char *from)
{
    size_t i;

    for (i = 0; i + 1 < NAME_MAX_ && from[i] != '\0'; i++) {
        to[i] = from[i];

        if (to[i] == ' ') {
            to[i] = '_';
        }
    }

    to[i] = '\0';
}


static how_t
decide(server_t *server, const request_t *request)
{
    size_t i;
    static const struct {
        const char *path;
        how_t how;
    } paths[] = {
        { "/slow", SLOWLY },
        { "/never", REFUSE },
        { "/close", CLOSE },
    };

    if (strncmp(request->uri, "/flaky", strlen("/flaky")) == 0) {
        return draw(server, request->key);
    }

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strncmp(request->uri, paths[i].path, strlen(paths[i].path)) == 0) {
            return paths[i].how;
        }
    }

    return OK;
}


static how_t
draw(server_t *server, const char *key)
{
    size_t i;
    unsigned calls;
    uint64_t hash;
    static const how_t outcomes[] = {
        OK,
        OK,
        OK,
        SLOWLY,
        SLOWLY,
        REFUSE,
        REFUSE,
        HANG,
        CLOSE,
        OK,
    };

    calls = count_call(server, key);

    if (calls >= STEADY) {
        return OK;
    }

    hash = FNV_START;

    for (i = 0; i < WORD; i++) {
        hash ^= (server->seed >> (BYTE * i)) & BYTE_MASK;
        hash *= FNV_PRIME;
    }

    for (; *key != '\0'; key++) {
        hash ^= (unsigned char) *key;
        hash *= FNV_PRIME;
    }

    hash ^= calls;
    hash *= FNV_PRIME;
    hash ^= hash >> (BYTE * WORD / 2);

    return outcomes[hash % (sizeof(outcomes) / sizeof(outcomes[0]))];
}


/* How many came before this one. */
static unsigned
count_call(server_t *server, const char *key)
{
    count_t *count, **found;

    count = calloc(1, sizeof(count_t));
    if (count == NULL) {
        fail("memory");
    }

    snprintf(count->key, sizeof(count->key), "%s", key);

    found = (count_t **) tsearch(count, &server->counts, by_key);
    if (found == NULL) {
        fail("memory");
    }

    if (*found != count) {
        free(count);
    }

    return (*found)->calls++;
}


static int
by_key(const void *a, const void *b)
{
    const count_t *left = a, *right = b;

    return strcmp(left->key, right->key);
}


static void
answer(conn_t *conn, how_t how)
{
    switch (how) {

    case OK: send_answer(conn, "200 OK"); break;

    case SLOWLY: arm(conn->timer, SLOW); break;

    case REFUSE: send_answer(conn, "503 Service Unavailable"); break;

    case HANG: break;

    case CLOSE: drop(conn); break;
    }
}


static void
on_slow(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    send_answer(data, "200 OK");
}


static void
send_answer(conn_t *conn, const char *status)
{
    int length;
    char body[ANSWER], text[ANSWER];

    length = snprintf(body, sizeof(body), "{\"n\":%" PRIu64 "}", conn->number);
    snprintf(text, sizeof(text),
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n",
        status, length);

    conn->busy = false;

    if (bufferevent_write(conn->stream, text, strlen(text)) != 0
        || bufferevent_write(conn->stream, body, (size_t) length) != 0)
    {
        fail("memory");
    }

    /* The next request may have come already. */
    bufferevent_trigger(conn->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}


/* In one write: what is in the log is whole, whatever becomes of us. */
static void
note(server_t *server, const char *line, int length)
{
    if (length >= LINE || write(server->log, line, (size_t) length) != length)
    {
        fail("the log");
    }
}


static void
drop(conn_t *conn)
{
    event_free(conn->timer);
    bufferevent_free(conn->stream);
    free(conn);
}


static int64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);

    return (int64_t) now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}


static void
arm(struct event *timer, unsigned ms)
{
    struct timeval tv;

    tv.tv_sec = ms / MS_PER_S;
    tv.tv_usec = (suseconds_t) (ms % MS_PER_S) * US_PER_MS;

    evtimer_add(timer, &tv);
}


static void
fail(const char *what)
{
    fprintf(stderr, "endpoint: %s: %s\n", what, strerror(errno));
    exit(1);
}
