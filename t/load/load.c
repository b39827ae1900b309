/*
 * Keeps connections busy with one HTTP/1.1 request, over and over, and notes
 * what became of each: for the tests, see Clarity::Load.
 *
 *   load [-a] [-c CONNECTIONS] [-n REQUESTS] [-r RATE] [-t MS] -o FILE PORT
 *       REQUEST
 *
 *   -a  sends a request again that was answered 503 or 504, until it is not
 *   -c  64; each has one request under way at a time
 *   -n  ends after that many; else at SIGTERM, once what is under way is done
 *   -r  requests a second at most, over all connections; else as they go
 *   -t  ms after which a request is given up; 30000
 *
 * REQUEST is a file with a whole request. In it ten '@' stand for the number
 * of the request, ten digits. A connection stays open if the answer lets it.
 *
 * FILE gets a line a request when it is over: its number, when it began (us
 * since 1970), how long it took (us), its status, and the answer's job_id, or
 * its code, or "-". The status is 0 where no answer came; then a word says
 * why:
 *
 *   stale    the server closed a connection that had been in use before, and
 *            sent nothing: it may have closed it for being idle (RFC 9112,
 *            9.5), so the request goes out again and gets another line
 *   connect  there was no connection
 *   closed   the connection was closed, or reset, before an answer
 *   cut      the same within the answer
 *   broken   what came is no answer
 *   late     none came within -t
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "t/load/answer.h"

#define PLACE        "@@@@@@@@@@"
#define DIGITS       10
#define ANSWER_MAX   8192
#define EVENTS       256
#define TICK         20 /* ms: time-outs, the pace, and what is written */
#define US_PER_MS    1000
#define US_PER_S     1000000
#define NS_PER_US    1000
#define NO_ANSWER    0
#define UNAVAILABLE  503
#define TIMED_OUT    504
#define BASE         10
#define DEFAULT_CONN 64
#define DEFAULT_TIME 30000

typedef struct {
    int fd;          /* -1: none */
    bool busy;       /* a request is under way */
    bool used;       /* it has carried an answer */
    bool again;      /* its last request is to be sent once more */
    uint64_t number; /* of the request */
    int64_t wall;    /* when it began, us since 1970 */
    int64_t began;   /* the same on the clock that never goes back */
    size_t sent;     /* bytes of it */
    size_t got;      /* bytes of its answer */
    char *request;   /* its bytes */
    char answer[ANSWER_MAX + 1];
} conn_t;

typedef struct {
    int epoll;
    FILE *out;
    struct sockaddr_in address;
    char *request; /* with its places still in it */
    size_t length;
    conn_t *conns;
    size_t nconns;
    size_t busy;
    size_t waiting; /* connections whose `again` is set */
    bool again;     /* -a */
    size_t turn;    /* of the connections, which begins the next request */
    uint64_t begun; /* requests */
    uint64_t limit; /* 0: none */
    int64_t pace;   /* us from one request to the next; 0: none */
    int64_t next;   /* when the next may begin */
    int64_t patience;
} load_t;

static volatile sig_atomic_t stopping;

static void options(load_t *load, int argc, char **argv);
static uint64_t number_of(const char *text);
static char *read_file(const char *name, size_t *length);
static void set_up(load_t *load);
static void tear_down(load_t *load);
static void run(load_t *load);
static void begin_what_may(load_t *load);
static bool may_begin(const load_t *load);
static void begin(load_t *load, conn_t *conn);
static void fill_in(load_t *load, conn_t *conn);
static void dispatch(load_t *load, conn_t *conn);
static bool open_connection(load_t *load, conn_t *conn);
static void on_event(load_t *load, conn_t *conn);
static void push(load_t *load, conn_t *conn);
static void pull(load_t *load, conn_t *conn);
static void gone(load_t *load, conn_t *conn);
static void look(load_t *load, conn_t *conn);
static void finish(load_t *load, conn_t *conn, int status, const char *what);
static void give_up_late(load_t *load);
static void drop(conn_t *conn);
static int64_t now_us(clockid_t clock);
static void fail(const char *what);
static void on_signal(int number);


int
main(int argc, char **argv)
{
    load_t load;

    memset(&load, 0, sizeof(load));

    options(&load, argc, argv);
    set_up(&load);
    run(&load);
    tear_down(&load);

    if (fclose(load.out) != 0) {
        fail("the file of results");
    }

    return 0;
}


static void
options(load_t *load, int argc, char **argv)
{
    int option;
    uint64_t rate;

    load->nconns = DEFAULT_CONN;
    load->patience = (int64_t) DEFAULT_TIME * US_PER_MS;

    while ((option = getopt(argc, argv, "ac:n:r:t:o:")) != -1) {
        switch (option) {
        case 'a': load->again = true; break;
        case 'c': load->nconns = number_of(optarg); break;
        case 'n': load->limit = number_of(optarg); break;
        case 'r':
            rate = number_of(optarg);
            load->pace = rate != 0 ? (int64_t) (US_PER_S / rate) : 0;
            break;
        case 't':
            load->patience = (int64_t) number_of(optarg) * US_PER_MS;
            break;
        case 'o':
            load->out = fopen(optarg, "w");
            if (load->out == NULL) {
                fail(optarg);
            }
            break;
        default: exit(2);
        }
    }

    if (argc - optind != 2 || load->out == NULL || load->nconns == 0) {
        fputs(
            "usage: load [-a] [-c CONNECTIONS] [-n REQUESTS] [-r RATE] [-t MS]"
            " -o FILE PORT REQUEST\n",
            stderr);
        exit(2);
    }

    load->address.sin_family = AF_INET;
    load->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load->address.sin_port = htons((uint16_t) number_of(argv[optind]));
    load->request = read_file(argv[optind + 1], &load->length);
}


static uint64_t
number_of(const char *text)
{
    char *end;
    uint64_t number;

    number = strtoull(text, &end, BASE);

    if (end == text || *end != '\0') {
        fprintf(stderr, "load: \"%s\" is no number\n", text);
        exit(2);
    }

    return number;
}


static char *
read_file(const char *name, size_t *length)
{
    long size;
    FILE *file;
    char *text;

    file = fopen(name, "rb");

    if (file == NULL || fseek(file, 0, SEEK_END) != 0
        || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
    {
        fail(name);
    }

    text = calloc(1, (size_t) size + 1);

    if (text == NULL || fread(text, 1, (size_t) size, file) != (size_t) size) {
        fail(name);
    }

    fclose(file);
    *length = (size_t) size;

    return text;
}


static void
set_up(load_t *load)
{
    size_t i;
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    load->epoll = epoll_create1(0);
    load->conns = calloc(load->nconns, sizeof(*load->conns));

    if (load->epoll == -1 || load->conns == NULL) {
        fail("epoll, or memory");
    }

    for (i = 0; i < load->nconns; i++) {
        load->conns[i].fd = -1;
        load->conns[i].request = malloc(load->length + 1);

        if (load->conns[i].request == NULL) {
            fail("memory");
        }
    }
}


static void
tear_down(load_t *load)
{
    size_t i;

    for (i = 0; i < load->nconns; i++) {
        drop(&load->conns[i]);
        free(load->conns[i].request);
    }

    free(load->conns);
    free(load->request);
    close(load->epoll);
}


static void
run(load_t *load)
{
    int i, n;
    int64_t flushed, now;
    struct epoll_event events[EVENTS];

    flushed = 0;

    for (;;) {
        begin_what_may(load);

        if (load->busy == 0 && load->waiting == 0 && !may_begin(load)) {
            return;
        }

        n = epoll_wait(load->epoll, events, EVENTS, load->pace ? 1 : TICK);

        for (i = 0; i < n; i++) {
            on_event(load, events[i].data.ptr);
        }

        now = now_us(CLOCK_MONOTONIC);

        if (now - flushed >= (int64_t) TICK * US_PER_MS) {
            flushed = now;
            give_up_late(load);
            fflush(load->out);
        }
    }
}


static void
begin_what_may(load_t *load)
{
    size_t i;
    int64_t now;
    conn_t *conn;

    now = now_us(CLOCK_MONOTONIC);

    /* what could not go out in time is not made up for */
    if (load->next < now - (int64_t) TICK * US_PER_MS) {
        load->next = now - (int64_t) TICK * US_PER_MS;
    }

    for (i = 0; i < load->nconns && load->busy < load->nconns; i++) {

        if (load->pace && load->next > now) {
            return;
        }

        /* in turn, so that a slow pace too uses all connections */
        conn = &load->conns[load->turn++ % load->nconns];

        if (!conn->busy && (conn->again || may_begin(load))) {
            load->next += load->pace;
            begin(load, conn);
        }
    }
}


/* Is there to be one more request? */
static bool
may_begin(const load_t *load)
{
    return !stopping && (load->limit == 0 || load->begun < load->limit);
}


static void
begin(load_t *load, conn_t *conn)
{
    if (conn->again) {
        conn->again = false;
        load->waiting--;

    } else {
        conn->number = load->begun++;
        fill_in(load, conn);
    }

    conn->busy = true;
    conn->wall = now_us(CLOCK_REALTIME);
    conn->began = now_us(CLOCK_MONOTONIC);
    load->busy++;

    dispatch(load, conn);
}


static void
fill_in(load_t *load, conn_t *conn)
{
    char *place;
    char digits[DIGITS + 1];
    uint64_t number;
    size_t i;

    number = conn->number;

    for (i = DIGITS; i > 0; i--) {
        digits[i - 1] = (char) ('0' + number % BASE);
        number /= BASE;
    }

    memcpy(conn->request, load->request, load->length + 1);

    for (place = conn->request; (place = strstr(place, PLACE)) != NULL;) {
        memcpy(place, digits, DIGITS);
    }
}


/* Sends the request from its start, on the connection or on a new one. */
static void
dispatch(load_t *load, conn_t *conn)
{
    conn->sent = 0;
    conn->got = 0;

    if (conn->fd == -1 && !open_connection(load, conn)) {
        finish(load, conn, NO_ANSWER, "connect");
        return;
    }

    push(load, conn);
}


static bool
open_connection(load_t *load, conn_t *conn)
{
    int one;
    struct epoll_event event;

    conn->used = false;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (conn->fd == -1) {
        fail("socket");
    }

    one = 1;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    if (connect(conn->fd, (struct sockaddr *) &load->address,
            sizeof(load->address))
            != 0
        && errno != EINPROGRESS)
    {
        drop(conn);
        return false;
    }

    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = conn;

    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        fail("epoll_ctl");
    }

    return true;
}


static void
on_event(load_t *load, conn_t *conn)
{
    if (conn->fd == -1) {
        return;
    }

    if (conn->busy && conn->sent < load->length) {
        push(load, conn);
    }

    if (conn->fd != -1) {
        pull(load, conn);
    }
}


static void
push(load_t *load, conn_t *conn)
{
    ssize_t n;

    while (conn->sent < load->length) {
        n = send(conn->fd, conn->request + conn->sent,
            load->length - conn->sent, 0);

        if (n > 0) {
            conn->sent += (size_t) n;
            continue;
        }

        /* an answer, or why there is none, is for pull() to see */
        return;
    }
}


static void
pull(load_t *load, conn_t *conn)
{
    ssize_t n;

    while (conn->fd != -1) {
        errno = 0;
        n = recv(
            conn->fd, conn->answer + conn->got, ANSWER_MAX - conn->got, 0);

        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }

        if (n <= 0 || !conn->busy) {
            gone(load, conn);
            return;
        }

        conn->got += (size_t) n;
        conn->answer[conn->got] = '\0';

        look(load, conn);
    }
}


/* The server has closed it, or sends what nobody has asked for. */
static void
gone(load_t *load, conn_t *conn)
{
    bool refused, used;

    refused = (errno == ECONNREFUSED);
    used = conn->used;
    drop(conn);

    if (!conn->busy) {
        return;
    }

    if (conn->got != 0) {
        finish(load, conn, NO_ANSWER, "cut");

    } else if (used) {
        fprintf(load->out, "%010llu %lld %lld 0 stale\n",
            (unsigned long long) conn->number, (long long) conn->wall,
            (long long) (now_us(CLOCK_MONOTONIC) - conn->began));
        dispatch(load, conn);

    } else {
        finish(load, conn, NO_ANSWER, refused ? "connect" : "closed");
    }
}


/* At what has come. */
static void
look(load_t *load, conn_t *conn)
{
    answer_t answer;

    switch (answer_read(conn->answer, conn->got, &answer)) {
    case ANSWER_WHOLE:
        if (answer.closes) {
            drop(conn);
        }

        conn->used = true;
        conn->got = 0;
        finish(load, conn, answer.status, answer.what);
        return;

    case ANSWER_PART:
        if (conn->got < ANSWER_MAX) {
            return;
        }

        break;

    case ANSWER_BROKEN: break;
    }

    drop(conn);
    finish(load, conn, NO_ANSWER, "broken");
}


static void
finish(load_t *load, conn_t *conn, int status, const char *what)
{
    fprintf(load->out, "%010llu %lld %lld %d %s\n",
        (unsigned long long) conn->number, (long long) conn->wall,
        (long long) (now_us(CLOCK_MONOTONIC) - conn->began), status, what);

    conn->busy = false;
    load->busy--;

    if (load->again && (status == UNAVAILABLE || status == TIMED_OUT)) {
        conn->again = true;
        load->waiting++;
    }
}


static void
give_up_late(load_t *load)
{
    size_t i;
    int64_t now;
    conn_t *conn;

    now = now_us(CLOCK_MONOTONIC);

    for (i = 0; i < load->nconns; i++) {
        conn = &load->conns[i];

        if (conn->busy && now - conn->began > load->patience) {
            drop(conn);
            finish(load, conn, NO_ANSWER, "late");
        }
    }
}


static void
drop(conn_t *conn)
{
    if (conn->fd != -1) {
        close(conn->fd);
        conn->fd = -1;
    }
}


static int64_t
now_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);

    return (int64_t) time.tv_sec * US_PER_S + time.tv_nsec / NS_PER_US;
}


static void
fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}


static void
on_signal(int number)
{
    (void) number;
    stopping = 1;
}
