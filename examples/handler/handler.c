/*
 * A worker with handlers of its own:
 *
 *     cc handler.c -o handler $(pkg-config --cflags --libs clarity-worker)
 *     ./handler worker.json
 *
 * "greet" is a type of action, for workflows/welcome.json; every job of the
 * trigger identity_modified is handed to changed().
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <clarity/worker.h>

static clarity_result_t greet(clarity_call_t *call, void *data);
static clarity_result_t changed(clarity_call_t *call, void *data);


int
main(int argc, char **argv)
{
    int status;
    unsigned greetings = 0;
    clarity_worker_t *worker;

    if (argc != 2) {
        fprintf(stderr, "usage: handler WORKER.json\n");
        return 2;
    }

    worker = clarity_worker_create(argv[1]);

    if (worker == NULL) {
        perror("handler");
        return 1;
    }

    status = clarity_worker_on_action(worker, "greet", greet, &greetings)
             || clarity_worker_on_trigger(
                 worker, "identity_modified", changed, NULL);

    if (status == 0) {
        status = clarity_worker_run(worker);
    }

    if (status != 0) {
        fprintf(stderr, "handler: %s\n", clarity_worker_error(worker));
    }

    clarity_worker_free(worker);

    return status;
}


/* Its input is what the workflow makes of "input": {"name": …, "wait": …}. */
static clarity_result_t
greet(clarity_call_t *call, void *data)
{
    char result[128];
    int n;
    unsigned *greetings = data;
    struct timespec second = { 1, 0 };

    if (strstr(clarity_call_input(call), "\"nobody\"") != NULL) {
        clarity_call_set_reason(call, "there is nobody to greet");
        return CLARITY_FAIL;
    }

    if (clarity_call_attempt(call) == 1) {
        clarity_call_set_reason(call, "they are still asleep");
        clarity_call_set_retry_after(call, 50);
        return CLARITY_RETRY;
    }

    /* What takes long looks up now and then. */
    while (strstr(clarity_call_input(call), "\"sleeper\"") != NULL) {
        if (clarity_call_is_over(call)) {
            clarity_call_set_reason(call, "they do not wake up");
            return CLARITY_FAIL;
        }

        nanosleep(&second, NULL);
    }

    /* Several threads: only this may touch it. */
    n = (int) __atomic_add_fetch(greetings, 1, __ATOMIC_RELAXED);

    snprintf(result, sizeof(result), "{\"greeting\":%d,\"key\":\"%s\"}", n,
        clarity_call_idempotency_key(call));

    return clarity_call_set_result(call, result, strlen(result)) == 0
               ? CLARITY_SUCCEED
               : CLARITY_RETRY;
}


static clarity_result_t
changed(clarity_call_t *call, void *data)
{
    (void) data;

    printf("job %s: %s\n", clarity_call_job(call), clarity_call_context(call));
    fflush(stdout);

    return CLARITY_SUCCEED;
}
