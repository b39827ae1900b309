/*
 * Can two requests be told apart by how long their answers take? On one
 * connection they are sent in a random order, one at a time, each timed; then
 * Welch's t-test says whether the means differ.
 *
 *   timing [-n SAMPLES] PORT REQUEST REQUEST
 *
 *   -n  of both together, 1000000
 *
 * REQUEST is a file with a whole request that leaves the connection open; both
 * get answers of the same length. Prints a line: the samples of each, their
 * means in ns, and the greatest |t|, of all samples and of those below some
 * percentiles (as dudect does: noise lies in the slow ones).
 */

#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define ANSWER_MAX  8192
#define WARM_UP     20000 /* samples that are not counted */
#define NS_PER_S    1000000000
#define DEFAULT_N   1000000

static const double percentiles[] = { 50, 75, 90, 95, 99, 100 };

#define NPERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

typedef struct {
    char bytes[REQUEST_MAX];
    size_t len;
} request_t;

/* Welford's way to mean and variance. */
typedef struct {
    double n;
    double mean;
    double squares; /* of the differences */
} moments_t;

static void read_request(const char *file, request_t *request);
static int connect_to(const char *port);
static size_t answer_length(int fd, const request_t *request);
static int64_t measure(int fd, const request_t *request, size_t expected);
static int64_t now(void);
static uint64_t next_random(uint64_t *state);
static int by_value(const void *a, const void *b);
static void add(moments_t *moments, double value);
static double welch(const moments_t *a, const moments_t *b);
static void fail(const char *what);


int
main(int argc, char **argv)
{
    int fd, option, class;
    long i, samples;
    size_t k, length;
    double t, worst;
    int64_t ns;
    uint64_t state = UINT64_C(88172645463325252);
    static request_t requests[2];
    static int64_t warm[WARM_UP], limits[NPERCENTILES];
    static moments_t moments[NPERCENTILES][2];

    samples = DEFAULT_N;

    while ((option = getopt(argc, argv, "n:")) == 'n') {
        samples = atol(optarg);
    }

    if (option != -1 || argc - optind != 3 || samples < 1) {
        fprintf(stderr, "usage: timing [-n SAMPLES] PORT REQUEST REQUEST\n");
        return 2;
    }

    read_request(argv[optind + 1], &requests[0]);
    read_request(argv[optind + 2], &requests[1]);

    fd = connect_to(argv[optind]);
    length = answer_length(fd, &requests[0]);

    if (answer_length(fd, &requests[1]) != length) {
        fprintf(stderr, "timing: the answers differ in length\n");
        return 1;
    }

    for (i = 0; i < WARM_UP; i++) {
        warm[i] = measure(fd, &requests[next_random(&state) & 1], length);
    }

    qsort(warm, WARM_UP, sizeof(warm[0]), by_value);

    for (k = 0; k < NPERCENTILES; k++) {
        limits[k] = percentiles[k] < 100
                        ? warm[(size_t) (WARM_UP * percentiles[k] / 100)]
                        : INT64_MAX;
    }

    for (i = 0; i < samples; i++) {
        class = (int) (next_random(&state) & 1);
        ns = measure(fd, &requests[class], length);

        for (k = 0; k < NPERCENTILES; k++) {
            if (ns < limits[k]) {
                add(&moments[k][class], (double) ns);
            }
        }
    }

    worst = 0;

    for (k = 0; k < NPERCENTILES; k++) {
        t = fabs(welch(&moments[k][0], &moments[k][1]));
        worst = t > worst ? t : worst;
    }

    k = NPERCENTILES - 1;
    printf("%.0f %.0f %.1f %.1f %.2f\n", moments[k][0].n, moments[k][1].n,
        moments[k][0].mean, moments[k][1].mean, worst);

    close(fd);

    return 0;
}


static void
read_request(const char *file, request_t *request)
{
    FILE *in;

    in = fopen(file, "rb");
    if (in == NULL) {
        fail(file);
    }

    request->len = fread(request->bytes, 1, sizeof(request->bytes), in);
    fclose(in);
}


static int
connect_to(const char *port)
{
    int fd, on = 1;
    struct sockaddr_in address = { 0 };

    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t) atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &address, sizeof(address)) == -1
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
    {
        fail("connect");
    }

    return fd;
}


/* Of a small answer, which comes in one piece. */
static size_t
answer_length(int fd, const request_t *request)
{
    ssize_t n;
    char answer[ANSWER_MAX];

    if (write(fd, request->bytes, request->len) != (ssize_t) request->len) {
        fail("write");
    }

    n = read(fd, answer, sizeof(answer));

    if (n <= 0) {
        fail("read");
    }

    return (size_t) n;
}


static int64_t
measure(int fd, const request_t *request, size_t expected)
{
    size_t got;
    ssize_t n;
    int64_t began;
    char answer[ANSWER_MAX];

    began = now();

    if (write(fd, request->bytes, request->len) != (ssize_t) request->len) {
        fail("write");
    }

    for (got = 0; got < expected; got += (size_t) n) {
        n = read(fd, answer, sizeof(answer));

        if (n <= 0) {
            fail("the connection has ended");
        }
    }

    return now() - began;
}


static int64_t
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * NS_PER_S + ts.tv_nsec;
}


/* xorshift64 */
static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;

    return *state >> 32;
}


static int
by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a;
    int64_t y = *(const int64_t *) b;

    return (x > y) - (x < y);
}


static void
add(moments_t *moments, double value)
{
    double before;

    moments->n++;
    before = value - moments->mean;
    moments->mean += before / moments->n;
    moments->squares += before * (value - moments->mean);
}


static double
welch(const moments_t *a, const moments_t *b)
{
    if (a->n < 2 || b->n < 2) {
        return 0;
    }

    return (a->mean - b->mean)
           / sqrt(a->squares / (a->n - 1) / a->n
                  + b->squares / (b->n - 1) / b->n);
}


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}
