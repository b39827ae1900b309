/* worker.json and the files that it names, also where memory is out. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "conf/file.h"
#include "conf/workflows.h"

#include "t/unit/oom.h"

static char folder[64];

static const char triggers_json[] =
    "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"n\"}]}]}";

static const char workflow_json[] =
    "{\"id\":\"w\",\"trigger\":\"t\",\"secrets\":{\"s\":{\"file\":\"s\"}},"
    "\"conditions\":{\"any\":[{\"parameter\":\"n\",\"matches\":\"^a\"},"
    "{\"time\":{\"days\":[\"mon\"],\"zone\":\"Europe/Berlin\"}}]},"
    "\"actions\":[{\"id\":\"a\",\"type\":\"http_request\","
    "\"method\":\"POST\",\"url\":\"http://example.com/{{n}}\","
    "\"headers\":{\"X\":\"{{secrets.s}}\"},\"body\":{\"n\":\"{{n}}\"},"
    "\"secret\":{\"env\":\"CLARITY_UNIT_SECRET\"}}]}";

static const char conf_json[] =
    "{\"triggers\":\"triggers.json\",\"workflows\":\"flows\","
    "\"redis\":\"redis://u:p@h:1/2\",\"redis_password_file\":\"password\","
    "\"prefix\":\"p\",\"log\":\"/var/log/x\",\"concurrency\":7,"
    "\"processes\":\"auto\","
    "\"lease\":\"2s\",\"drain\":\"3s\","
    "\"keep\":{\"failed\":\"4s\",\"succeeded\":\"5s\"},"
    "\"allow_addresses\":[\"10.0.0.0/8\",\"::1\"]}";


static char *
path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);

    return path;
}


static void
write_file(const char *name, const char *text, size_t len)
{
    FILE *file;

    file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}


static int
make_folder(void **state)
{
    (void) state;

    strcpy(folder, "/tmp/clarity-conf-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_of("flows"), 0700), 0);

    write_file("triggers.json", triggers_json, sizeof(triggers_json) - 1);
    write_file("flows/w.json", workflow_json, sizeof(workflow_json) - 1);
    write_file("flows/s", "file-secret\n", 12);
    write_file("worker.json", conf_json, sizeof(conf_json) - 1);
    write_file("password", "pass word\n", 10);

    return setenv("CLARITY_UNIT_SECRET", "env-secret", 1);
}


static int
remove_folder(void **state)
{
    size_t i;
    static const char *const names[] = { "triggers.json", "flows/w.json",
        "flows/s", "worker.json", "password", "secret" };

    (void) state;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(path_of(names[i]));
    }

    rmdir(path_of("flows"));

    return rmdir(folder);
}


static void
every_key_is_taken(void **state)
{
    clarity_conf_t *conf;
    clarity_error_t error;

    (void) state;

    conf = clarity_conf_read(path_of("worker.json"), &error);

    if (conf == NULL) {
        fail_msg("%s", error.text);
    }

    assert_string_equal(conf->redis.host, "h");
    assert_string_equal(conf->redis.user, "u");
    assert_string_equal(conf->redis.password, "pass word");
    assert_int_equal(conf->redis.db, 2);
    assert_string_equal(conf->prefix, "p");
    assert_string_equal(conf->log, "/var/log/x");
    assert_string_equal(conf->triggers, path_of("triggers.json"));
    assert_string_equal(conf->workflows, path_of("flows"));
    assert_int_equal(conf->concurrency, 7);
    assert_int_equal(conf->processes, 0);
    assert_int_equal(conf->lease, 2000);
    assert_int_equal(conf->drain, 3000);
    assert_int_equal(conf->keep_failed, 4000);
    assert_int_equal(conf->keep_succeeded, 5000);
    assert_int_equal(conf->nallowed, 2);

    clarity_conf_free(conf);
}


static void
what_is_not_set_has_a_default(void **state)
{
    clarity_conf_t *conf;
    clarity_error_t error;
    static const char least[] = "{\"triggers\":\"/t\",\"workflows\":\"w\"}";

    (void) state;

    write_file("worker.json", least, sizeof(least) - 1);
    conf = clarity_conf_read(path_of("worker.json"), &error);
    write_file("worker.json", conf_json, sizeof(conf_json) - 1);

    assert_non_null(conf);
    assert_string_equal(conf->redis.host, "127.0.0.1");
    assert_int_equal(conf->redis.port, 6379);
    assert_string_equal(conf->prefix, "clarity");
    assert_null(conf->log);
    assert_string_equal(conf->triggers, "/t");
    assert_int_equal(conf->shards, 1);
    assert_int_equal(conf->concurrency, 64);
    assert_int_equal(conf->processes, 1);
    assert_int_equal(conf->lease, 8000);
    assert_int_equal(conf->drain, 25000);
    assert_int_equal(conf->keep_succeeded, 86400000);
    assert_int_equal(conf->keep_failed, 1209600000);
    assert_int_equal(conf->nallowed, 0);

    clarity_conf_free(conf);
}


static void
secrets_are_loaded_from_file_and_environment(void **state)
{
    clarity_buf_t errors = { 0 };
    clarity_conf_t conf = { 0 };
    const clarity_workflow_t *workflow;
    clarity_workflows_t *set;

    (void) state;

    conf.triggers = strdup(path_of("triggers.json"));
    conf.workflows = path_of("flows");
    set = clarity_workflows_load(&conf, true, &errors);
    free(conf.triggers);

    if (set == NULL) {
        fail_msg("%.*s", clarity_fmt(clarity_buf_str(&errors)));
    }

    workflow = clarity_workflows_find(set, clarity_lit("w"));
    assert_non_null(workflow);
    assert_string_equal(workflow->secrets[0].value, "file-secret");
    assert_string_equal(
        workflow->actions[0].http.credential->value, "env-secret");
    assert_null(clarity_workflows_find(set, clarity_lit("v")));

    assert_ptr_equal(clarity_workflows_use(set), set);
    clarity_workflows_drop(set);
    assert_non_null(clarity_workflows_find(set, clarity_lit("w")));
    clarity_workflows_drop(set);
}


static void
a_secret_is_one_line(void **state)
{
    size_t i;
    char *secret;
    clarity_error_t error;
    static const struct {
        clarity_str_t text;
        const char *secret; /* NULL: refused */
    } cases[] = {
        { clarity_lit("s"), "s" },
        { clarity_lit("s\n"), "s" },
        { clarity_lit("s\r\n"), "s" },
        { clarity_lit(" s "), " s " },
        { clarity_lit("\xc3\xa4"), "\xc3\xa4" },
        { clarity_lit(""), NULL },
        { clarity_lit("\n"), NULL },
        { clarity_lit("s\n\n"), NULL },
        { clarity_lit("a\nb"), NULL },
        { clarity_lit("a\rb"), NULL },
        { clarity_lit("a\0b"), NULL },
        { clarity_lit("a\tb"), NULL },
        { clarity_lit("a\x7f"), NULL },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file("secret", cases[i].text.data, cases[i].text.len);
        secret = clarity_file_secret(path_of("secret"), &error);

        if (cases[i].secret != NULL) {
            assert_non_null(secret);
            assert_string_equal(secret, cases[i].secret);

        } else {
            assert_null(secret);
            assert_null(strstr(error.text, "a\n"));
        }

        clarity_secret_wipe(secret);
    }
}


static void
a_secret_has_a_longest(void **state)
{
    char *secret, text[CLARITY_SECRET_MAX + 8];
    clarity_error_t error;

    (void) state;

    memset(text, 's', sizeof(text));
    text[CLARITY_SECRET_MAX] = '\n';

    write_file("secret", text, CLARITY_SECRET_MAX + 1);
    secret = clarity_file_secret(path_of("secret"), &error);
    assert_non_null(secret);
    assert_int_equal(strlen(secret), CLARITY_SECRET_MAX);
    clarity_secret_wipe(secret);

    text[CLARITY_SECRET_MAX] = 's';
    write_file("secret", text, CLARITY_SECRET_MAX + 1);
    assert_null(clarity_file_secret(path_of("secret"), &error));

    write_file("secret", text, sizeof(text));
    assert_null(clarity_file_secret(path_of("secret"), &error));
}


static void
a_file_has_a_longest(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_error_t error;

    (void) state;

    assert_true(clarity_file_read(path_of("password"), 10, &buf, &error));
    assert_int_equal(buf.len, 10);
    assert_false(clarity_file_read(path_of("password"), 9, &buf, &error));
    assert_non_null(strstr(error.text, "longer than the 9 bytes"));
    assert_false(clarity_file_read(folder, 10, &buf, &error));

    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_false(clarity_file_read(path_of("fifo"), 10, &buf, &error));
    assert_non_null(strstr(error.text, "is a FIFO, expected a regular file"));
    assert_int_equal(unlink(path_of("fifo")), 0);

    clarity_buf_free(&buf);
}


static void
a_path_is_relative_to_the_file_that_has_it(void **state)
{
    size_t i;
    char *path;
    static const struct {
        const char *from;
        const char *path;
        const char *expected;
    } cases[] = {
        { "/etc/clarity/worker.json", "x", "/etc/clarity/x" },
        { "/etc/clarity/worker.json", "../x", "/etc/clarity/../x" },
        { "/etc/clarity/worker.json", "/x", "/x" },
        { "worker.json", "x", "x" },
        { "./worker.json", "x", "./x" },
        { "/worker.json", "x", "/x" },
        { "", "x", "x" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        path = clarity_file_beside(cases[i].from, clarity_str(cases[i].path));
        assert_string_equal(path, cases[i].expected);
        free(path);
    }
}


static void
without_memory_nothing_is_read_and_nothing_leaks(void **state)
{
    long n;
    clarity_buf_t errors = { 0 };
    clarity_conf_t *conf, folders = { 0 };
    clarity_error_t error;
    clarity_workflows_t *set;

    (void) state;

    OOM_OR_SKIP();

    for (n = 0, conf = NULL; conf == NULL; n++) {
        assert_in_range(n, 0, 10000);
        oom_after = n;
        conf = clarity_conf_read(path_of("worker.json"), &error);
        oom_after = -1;
    }

    assert_in_range(n, 10, 10000);
    clarity_conf_free(conf);

    folders.triggers = strdup(path_of("triggers.json"));
    folders.workflows = path_of("flows");

    for (n = 0, set = NULL; set == NULL; n++) {
        assert_in_range(n, 0, 10000);
        clarity_buf_reset(&errors);
        oom_after = n;
        set = clarity_workflows_load(&folders, true, &errors);
        oom_after = -1;
    }

    assert_in_range(n, 10, 10000);
    clarity_workflows_drop(set);
    clarity_buf_free(&errors);
    free(folders.triggers);
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(what_is_not_set_has_a_default),
        cmocka_unit_test(secrets_are_loaded_from_file_and_environment),
        cmocka_unit_test(a_secret_is_one_line),
        cmocka_unit_test(a_secret_has_a_longest),
        cmocka_unit_test(a_file_has_a_longest),
        cmocka_unit_test(a_path_is_relative_to_the_file_that_has_it),
        cmocka_unit_test(without_memory_nothing_is_read_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
