/* Runs a target over files, and over those in folders. */

#include <dirent.h>
#include <sys/stat.h>

#include "json/buf.h"
#include "t/fuzz/fuzz.h"

#define PIECE 4096

static size_t replay(const char *path);
static size_t replay_folder(const char *path);
static void replay_file(const char *path);


int
main(int argc, char **argv)
{
    int i;
    size_t n;

    n = 0;

    for (i = 1; i < argc; i++) {
        n += replay(argv[i]);
    }

    printf("%zu inputs\n", n);

    return n == 0;
}


static size_t
replay(const char *path)
{
    struct stat st;

    if (stat(path, &st) == -1) {
        perror(path);
        exit(1);
    }

    if (S_ISDIR(st.st_mode)) {
        return replay_folder(path);
    }

    replay_file(path);

    return 1;
}


static size_t
replay_folder(const char *path)
{
    DIR *dir;
    size_t n;
    char file[4096];
    struct dirent *entry;

    dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        exit(1);
    }

    n = 0;

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            n += replay(file);
        }
    }

    closedir(dir);

    return n;
}


static void
replay_file(const char *path)
{
    FILE *f;
    char *p;
    size_t n;
    uint8_t *copy;
    clarity_buf_t buf = { 0 };

    f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }

    do {
        p = clarity_buf_reserve(&buf, PIECE);
        n = p == NULL ? 0 : fread(p, 1, PIECE, f);
        buf.len += n;
    } while (n != 0);

    fclose(f);

    /* As many bytes and no more, so that a sanitizer sees what is behind. */
    copy = malloc(buf.len == 0 ? 1 : buf.len);

    if (buf.failed || copy == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }

    if (buf.len != 0) {
        memcpy(copy, buf.data, buf.len);
    }

    LLVMFuzzerTestOneInput(copy, buf.len);

    free(copy);
    clarity_buf_free(&buf);
}
